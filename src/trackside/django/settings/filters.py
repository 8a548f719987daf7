"""What becomes of the filters that Open edX runs."""

from typing import Annotated

from msgspec import Struct, field

from trackside.config.settings import setting


class FilterSettings(Struct, frozen=True, kw_only=True):
    """`filters`: which of Open edX's filters are filter points (`trackside.openedx`), and what their answers may do."""

    names: Annotated[tuple[str, ...], setting("Types of filters that can be asked about, as globs.")] = ("*",)
    ignore: Annotated[tuple[str, ...], setting("Types that cannot, whatever `names` says, as globs.")] = (
        "org.openedx.management.command.*",
    )
    modules: Annotated[
        tuple[str, ...],
        setting(
            "Modules with filters of other packages: my_plugin.filters; those of openedx-filters are known."
        ),
    ] = ()
    may_change: Annotated[
        dict[str, tuple[str, ...]],
        setting(
            "What answers may change besides: types of filters, as globs → paths, as"
            ' { "*.student.registration.requested.v1" = ["form_data.email"] }.'
        ),
    ] = field(default_factory=dict)
    also_send: Annotated[
        dict[str, tuple[str, ...]],
        setting(
            "What is sent besides of arguments of which only named fields are, and what takes queries: types of"
            ' filters, as globs → paths, as { "*.certificate.*" = ["completion_summary"] }. Secrets are not.'
        ),
    ] = field(default_factory=dict)
    trusted_html: Annotated[
        bool,
        setting(
            "Whether answers may put HTML onto pages of the platform. Off, texts with markup are refused, and a"
            " custom response runs no script and sees no cookie (Content-Security-Policy: sandbox)."
        ),
    ] = False
    data_bytes: Annotated[
        int,
        setting(
            "About the largest data of one question; what is beyond becomes `<omitted: size>`.",
            unit="bytes",
            low=1_024,
            high=200_000,
        ),
    ] = 60_000
    depth: Annotated[
        int,
        setting(
            "Deepest nesting of the data; what is deeper becomes `<omitted: depth>`.",
            unit="levels",
            low=2,
            high=30,
        ),
    ] = 12
