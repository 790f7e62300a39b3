"""The errors a user can cause: one sentence each, with the exit code the command ends with."""

from __future__ import annotations


class UserError(Exception):
    """A mistake outside our code: what is wrong, where, and what to do, in one sentence."""

    exit_code = 1


class ConfigError(UserError):
    """A key, value or group option that does not exist or does not fit."""

    exit_code = 2


class DeviceError(ConfigError):
    """The device asked for is not there."""


class DataError(UserError):
    """The dataset can't be trained on as it is."""


class WeightsError(UserError):
    """Weights that can't be found, read or fitted to the network."""


class ExportError(UserError):
    """An exported model that can't be written, or that is not equal to the trained one."""


class TrainingError(UserError):
    """Training that can't go on."""
