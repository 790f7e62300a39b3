"""What another's run may set for libraries: what no library is loaded by, and all that our own profiles set."""

from __future__ import annotations

import pytest
import yaml

from plx_train.ground.places import conf_dir
from plx_train.machine.recorded import may_be_recorded

LOADING = (
    *("PYTHONPATH", "PYTHONSTARTUP", "PYTHONHOME", "PYTHONINSPECT", "PYTHONWARNINGS", "LD_PRELOAD", "LD_LIBRARY_PATH"),
    *("LD_AUDIT", "DYLD_INSERT_LIBRARIES", "PATH", "HOME", "TMPDIR", "BROWSER", "EDITOR", "GIT_SSH_COMMAND", "PAGER"),
    *("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_INSECURE_TLS", "HTTP_PROXY", "https_proxy"),
    *("no_proxy", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_INDEX_URL", "PLX_TRAIN_CACHE"),
    *("PLX_TRAIN_STATE", "PLX_TRAIN_TRIAL", "OMP_TOOL_LIBRARIES", "KMP_CPUINFO_FILE", "NCCL_NET_PLUGIN", "MKL_PATH"),
    *("CUDA_INJECTION64_PATH", "CUDA_CACHE_PATH", "XDG_CONFIG_HOME", "HYDRA_FULL_ERROR", "GCONV_PATH", "IFS"),
    *("FLAGS_mkl_dir", "FLAGS_cudnn_dir", "OMP_NUM_THREADS ", "omp_num_threads", "", "OMP_NUM_THREADS\0", "LC_ALL"),
)


@pytest.mark.parametrize("name", LOADING)
def test_what_may_load_something_is_not_recorded_for_others(name: str) -> None:
    assert not may_be_recorded("env", name)


@pytest.mark.parametrize("name", ["mkl_dir", "FLAGS_nccl_dir", "cublas_dir", "lapack_dir", "tensorrt_plugin_dir"])
def test_flags_that_say_where_libraries_lie_are_not_either(name: str) -> None:
    assert not may_be_recorded("flags", name)


def test_profiles_set_nothing_else() -> None:
    for path in sorted((conf_dir() / "device").glob("*.yaml")):
        profile = yaml.safe_load(path.read_text("utf-8"))
        for section in ("env", "flags"):
            assert all(may_be_recorded(section, name) for name in profile.get(section, {})), path


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "FLAGS_use_stride_kernel"])
def test_numbers_and_cards_may_be_said(name: str) -> None:
    assert may_be_recorded("env", name)
