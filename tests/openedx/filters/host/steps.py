"""Steps of an operator's own."""

from typing import Any

from openedx_filters import PipelineStep

RUN: list[str] = []


class Before(PipelineStep):  # type: ignore[misc]  # openedx-filters is on the platform
    """Runs."""

    def run_filter(self, **kwargs: Any) -> dict[str, Any]:
        """Change nothing."""
        RUN.append(f"before {self.extra_config}")
        return {}


class After(PipelineStep):  # type: ignore[misc]  # openedx-filters is on the platform
    """Runs, and sees what was changed."""

    def run_filter(self, **kwargs: Any) -> dict[str, Any]:
        """Change the URL."""
        RUN.append(f"after {kwargs['url']}")
        return {"url": f"{kwargs['url']}/after"}
