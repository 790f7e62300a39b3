from dataclasses import dataclass
@dataclass(frozen=True)
class SeriesShape:
    context: int; horizon: int; targets: int; past_covariates: int = 0; future_covariates: int = 0; static: int = 0; quantiles: int = 1
