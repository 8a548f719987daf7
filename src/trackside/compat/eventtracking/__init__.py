"""Makes `import eventtracking…` run on Trackside, module by module.

    from trackside.compat.eventtracking import install

    install()

Once this has run, every module of `eventtracking` is one of ours under another name: the same object, so that what
is patched or registered under either name is seen under both. The same happens where a Django project has
`"trackside.compat.eventtracking"` in INSTALLED_APPS, before the first app that imports `eventtracking`.
"""

from trackside.compat.eventtracking.aliases import ALIASES, install, uninstall

__all__ = ["ALIASES", "install", "uninstall"]
