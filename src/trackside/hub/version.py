"""Which version runs."""


def version() -> str:
    """Return the version of Trackside that runs."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("trackside")
    except PackageNotFoundError:  # run from a folder that was never installed
        return "unknown"
