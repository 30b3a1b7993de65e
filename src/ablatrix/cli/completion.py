"""What a shell completes beside commands and options: names of compilers, workloads and metrics."""


def compiler_names(incomplete: str) -> list[str]:
    """Return the compilers whose name begins so."""
    from ablatrix.catalogue import installed_catalogue

    return [name for name in installed_catalogue().compilers if name.startswith(incomplete)]


def workload_names(incomplete: str) -> list[str]:
    """Return the workloads whose name begins so."""
    from ablatrix.catalogue import installed_catalogue

    return [name for name in installed_catalogue().workloads if name.startswith(incomplete)]


def metric_names(incomplete: str) -> list[str]:
    """Return the metrics that have effects and whose name begins so."""
    from ablatrix.records.metrics import metrics_for

    return [name for name in metrics_for("effects") if name.startswith(incomplete)]
