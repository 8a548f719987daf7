"""What `tutor config save` makes of the plugin: services, resources, settings and tasks that fit together."""

import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.tutor.conftest import PLUGIN, Render, Rendered
from trackside import __version__, hub
from trackside.config.load import Loaded
from trackside.server.site.databases import database_of

pytestmark = pytest.mark.e2e  # Tutor has a Python of its own

CONFIG = "plugins/trackside/apps/trackside.toml"
SETTINGS = [
    f"apps/openedx/settings/{each}/{kind}.py"
    for each in ("lms", "cms")
    for kind in ("production", "development")
]
SERVER = "http://events-trackside:8000"
PASSWORD = '$$it\'s "odd" `id` \\'
PASSWORD_IN_SQL = "'$$it''s \"odd\" `id` \\\\'"


def loaded(rendered: Rendered, monkeypatch: pytest.MonkeyPatch) -> Loaded:
    """Return the server's configuration as the server reads it."""
    for name in [name for name in os.environ if name.startswith("TRACKSIDE_")]:
        monkeypatch.delenv(name)
    return hub.load_config(rendered.root / "env" / CONFIG)


def settings_of(rendered: Rendered, path: str, **before: Any) -> Any:
    """Return the platform's settings module after our part of it has run on what was there `before`."""
    text = rendered.text(path)
    end = "_trackside_settings(sys.modules[__name__])\n"
    part = text[text.index("####### Trackside") : text.index(end) + len(end)]
    module = ModuleType("platform_settings")
    vars(module).update(before)
    sys.modules[module.__name__] = module
    try:
        exec(compile(part, path, "exec"), vars(module))
    finally:
        del sys.modules[module.__name__]
    return module


def test_versions_are_one() -> None:
    """The plugin installs the Trackside that it was made for."""
    assert f'__version__ = "{__version__}"' in (PLUGIN / "tutortrackside" / "__init__.py").read_text()


def test_nothing_is_left_out_of_the_package() -> None:
    """What git ignores, a folder named `build` for one, is in no wheel."""
    command = ["git", "ls-files", "--others", "--ignored", "--exclude-standard", "tutortrackside"]
    found = subprocess.run(command, cwd=PLUGIN, capture_output=True, text=True, check=True).stdout.split()
    assert [path for path in found if "__pycache__" not in path] == []


def test_the_server_takes_its_configuration(plain: Rendered, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is all a server needs, and nothing in it is unknown."""
    config = loaded(plain, monkeypatch).config
    kept = plain.config
    assert (config.data_dir, config.host, config.port) == ("/var/lib/trackside", "0.0.0.0", 8000)
    assert config.log.retention_s == 30 * 86_400
    assert config.sources["platform"].write_key == kept["TRACKSIDE_WRITE_KEY"]
    assert config.sources["platform"].forwarder
    assert config.webhooks.encryption_keys == (kept["TRACKSIDE_ENCRYPTION_KEY"],)
    assert config.webhooks.database.endswith(f":{kept['TRACKSIDE_MYSQL_PASSWORD']}@mysql:3306/openedx")
    assert config.public_url == ""


def test_what_operators_add(render: Render, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting, a patch of another plugin, passwords of any characters, a public name behind Caddy."""
    other = (
        "from tutor import hooks\n"
        "hooks.Filters.ENV_PATCHES.add_item(('trackside-config', '''[destinations.log]\\nkind = 'tracking_log'"
        "\\npath = 'tracking.log' '''))\n"
        "hooks.Filters.ENV_PATCHES.add_item(('trackside-openedx-settings', "
        "\"TRACKSIDE['signals'] = {'personal_data': 'ids_only'}\"))\n"
    )
    rendered = render(
        {"other": other},
        TRACKSIDE_EXTRA_CONFIG='[destinations.crm]\nkind = "webhook"\nurl = "https://crm.example.org/"',
        TRACKSIDE_MYSQL_PASSWORD="p@s/s:#%",
        TRACKSIDE_PUBLIC=True,
        TRACKSIDE_ALLOWED_NETWORKS=["10.3.0.0/16"],
        TRACKSIDE_TRACKING_BACKEND=True,
        ENABLE_HTTPS=True,
        LMS_HOST="learn.example.org",
        MOUNTS=["/srv/src/trackside"],
    )
    config = loaded(rendered, monkeypatch).config
    assert set(config.destinations) == {"crm", "log"}
    assert config.public_url == "https://events.learn.example.org"
    monkeypatch.setattr("trackside.server.site.databases.find_spec", lambda name: True)
    assert database_of(config.webhooks.database)["PASSWORD"] == "p@s/s:#%"
    assert "events.learn.example.org{$default_site_port} {" in rendered.text("apps/caddy/Caddyfile")
    module = settings_of(rendered, SETTINGS[0])
    lms = module.TRACKSIDE
    assert lms["tracking"] == {"backend": True, "event": "platform", "segmentio": "platform"}
    assert set(module.EVENT_TRACKING_BACKENDS) == {"_trackside"}
    assert lms["signals"] == {"on_commit": "outbox", "personal_data": "ids_only"}
    assert lms["webhooks"]["allow"] == list(config.webhooks.allow) == ["10.3.0.0/16"]
    assert "/srv/src/trackside:/mnt/trackside:z" in rendered.service("trackside")["volumes"]
    assert "/srv/src/trackside:/mnt/trackside:z" in rendered.service("trackside-worker")["volumes"]
    assert "/mnt/trackside[server,curl,mysql]" in rendered.text("plugins/trackside/image/Dockerfile")
    platforms = rendered.text("build/openedx/Dockerfile")
    assert "install -e '/mnt/trackside[openedx]'" in platforms
    assert "'trackside[openedx]==" not in platforms


def test_images_have_the_same_version(plain: Rendered) -> None:
    """What the platform writes the server reads."""
    assert f"'trackside[openedx]=={__version__}'" in plain.text("build/openedx/Dockerfile")
    assert f"'trackside[server,curl,mysql]=={__version__}'" in plain.text(
        "plugins/trackside/image/Dockerfile"
    )
    assert plain.service("trackside")["image"].endswith(f"trackside:{__version__}")


def test_secrets_stay(plain: Rendered) -> None:
    """They are made once, and differ."""
    before = {name: value for name, value in plain.config.items() if name.startswith("TRACKSIDE_")}
    assert set(before) == {"TRACKSIDE_WRITE_KEY", "TRACKSIDE_ENCRYPTION_KEY", "TRACKSIDE_MYSQL_PASSWORD"}
    assert len(set(before.values())) == 3
    assert min(map(len, before.values())) >= 24
    text = plain.text(CONFIG)
    plain.tutor("config", "save")
    assert {name: plain.config[name] for name in before} == before
    assert plain.text(CONFIG) == text


def test_secrets_are_where_they_are_needed(plain: Rendered) -> None:
    """In the platform's settings and the server's configuration, which nobody else on the machine may read."""
    kept = plain.config
    env = plain.root / "env"
    holders = {
        name: {
            str(path.relative_to(env))
            for path in env.rglob("*")
            if path.is_file() and kept[name] in path.read_text(errors="replace")
        }
        for name in ("TRACKSIDE_WRITE_KEY", "TRACKSIDE_ENCRYPTION_KEY", "TRACKSIDE_MYSQL_PASSWORD")
    }
    assert holders["TRACKSIDE_WRITE_KEY"] == {CONFIG, "k8s/deployments.yml", *SETTINGS}
    assert holders["TRACKSIDE_ENCRYPTION_KEY"] == {CONFIG, "k8s/deployments.yml", *SETTINGS}
    assert holders["TRACKSIDE_MYSQL_PASSWORD"] == {CONFIG, "k8s/deployments.yml"}
    if os.getuid() in (0, 1000):
        about = (env / CONFIG).stat()
        assert (stat.S_IMODE(about.st_mode), about.st_uid) == (0o600, 1000)


@pytest.mark.parametrize("path", SETTINGS)
def test_the_platforms_settings(plain: Rendered, path: str) -> None:
    """They are Python, and forward to the server from a folder of their own, whatever the loader left there."""
    compile(plain.text(path), path, "exec")
    log = {"log": {"ENGINE": "trackside.backends.log.LogBackend"}}
    said = {"TRACKSIDE": {"backends": log, "signals": {"names": ["a.*"]}, "webhooks": {"overlap_s": 60}}}
    module = settings_of(plain, path, INSTALLED_APPS=["trackside.openedx"], MIDDLEWARE=[], **said)
    table = module.TRACKSIDE
    options = {
        "url": SERVER,
        "write_key": plain.config["TRACKSIDE_WRITE_KEY"],
        "data_dir": "/openedx/data/trackside",
    }
    engine = "trackside.backends.forward.ForwardBackend"
    assert table["backends"] == {"server": {"ENGINE": engine, "OPTIONS": options}}
    assert table["outbox"] == {"relay": "command"}
    assert table["signals"] == {"on_commit": "outbox", "names": ["a.*"]}
    assert table["webhooks"]["encryption_keys"] == [plain.config["TRACKSIDE_ENCRYPTION_KEY"]]
    assert table["webhooks"]["overlap_s"] == 60
    assert module.INSTALLED_APPS == ["trackside.django", "trackside.openedx"]


def test_an_image_without_trackside_still_starts(plain: Rendered, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between enabling the plugin and building the image anew."""
    monkeypatch.setitem(sys.modules, "trackside.openedx.settings.production", None)
    assert settings_of(plain, SETTINGS[0]).TRACKSIDE["data_dir"] == "/openedx/data/trackside"


def test_services(plain: Rendered) -> None:
    """A server that is stopped gently and looked after, and a worker that is the platform with another command."""
    server, worker = plain.service("trackside"), plain.service("trackside-worker")
    grace_s = tomllib.loads(plain.text(CONFIG))["shutdown_grace_s"]
    assert int(server["stop_grace_period"].removesuffix("s")) > grace_s
    assert "/readyz" in server["healthcheck"]["test"][-1]
    mounted = {target: source for source, target, *_ in (each.split(":") for each in server["volumes"])}
    source = Path("local", mounted["/etc/trackside/trackside.toml"])
    assert os.path.normpath(source) == CONFIG
    assert mounted["/var/lib/trackside"] == "../../data/trackside"
    assert server["networks"]["default"]["aliases"] == ["events-trackside"]
    platforms = plain.service("lms-worker", "local/docker-compose.prod.yml")
    assert (worker["image"], worker["environment"]) == (platforms["image"], platforms["environment"])
    assert set(platforms["volumes"]) <= set(worker["volumes"])
    assert worker["command"] == ["./manage.py", "lms", "trackside", "relay", "--follow"]
    assert "../../data/trackside:/mounts/trackside:z" in plain.service("permissions")["volumes"]
    assert "setowner 1000 /mounts/trackside" in plain.text("apps/permissions/setowners.sh")
    in_development = plain.service("trackside-worker", "dev/docker-compose.yml")
    assert in_development["environment"] == {"DJANGO_SETTINGS_MODULE": "lms.envs.tutor.development"}
    assert in_development["command"] == worker["command"]


def test_kubernetes(plain: Rendered) -> None:
    """One server on a volume behind a service, its configuration a secret; a worker with a volume of its own."""
    pod = plain.resource("Deployment", "trackside")["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    volumes = {each["name"]: each for each in pod["spec"]["volumes"]}
    secret = plain.resource("Secret", "trackside")
    assert volumes["config"]["secret"]["secretName"] == "trackside"
    assert tomllib.loads(secret["stringData"]["trackside.toml"]) == tomllib.loads(plain.text(CONFIG))
    assert len(pod["metadata"]["annotations"]["trackside/config"]) == 64
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": 8000}
    assert (
        pod["spec"]["terminationGracePeriodSeconds"] > tomllib.loads(plain.text(CONFIG))["shutdown_grace_s"]
    )
    service = plain.resource("Service", "events-trackside")
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    assert f"http://{service['metadata']['name']}:{service['spec']['ports'][0]['port']}" == SERVER
    worker = plain.resource("Deployment", "trackside-worker")["spec"]["template"]["spec"]
    assert worker["containers"][0]["args"] == plain.service("trackside-worker")["command"]
    platforms = plain.resource("Deployment", "lms-worker")["spec"]["template"]["spec"]["containers"][0]
    mounts = worker["containers"][0]["volumeMounts"]
    assert all(each in mounts for each in platforms["volumeMounts"])
    claims = {
        each["persistentVolumeClaim"]["claimName"]
        for spec in (pod["spec"], worker)
        for each in spec["volumes"]
        if "persistentVolumeClaim" in each
    }
    assert claims == {"trackside", "trackside-worker"}
    for claim in claims:
        assert plain.resource("PersistentVolumeClaim", claim)["spec"]["accessModes"] == ["ReadWriteOnce"]


def test_no_service_of_kubernetes_is_a_setting_of_ours(plain: Rendered) -> None:
    """Kubernetes sets NAME_PORT and more in every container; TRACKSIDE_PORT would be a port that is none."""
    names = [each["metadata"]["name"] for each in plain.documents["k8s/services.yml"] if each]
    assert names
    assert not [name for name in names if name.upper().startswith("TRACKSIDE")]


def test_tasks_of_the_start(render: Render) -> None:
    """The table is made before a right is given on it, and that right is all the server has."""
    probe = (
        "from tutor import hooks\n"
        "@hooks.Actions.ENV_SAVED.add()\n"
        "def tell(root, config):\n"
        "    from tutor import env\n"
        "    tasks = [(s, env.render_str(config, t)) for s, t in hooks.Filters.CLI_DO_INIT_TASKS.iterate()]\n"
        "    open(root + '/../tasks', 'w').write(repr([t for t in tasks if 'trackside' in t[1].lower()]))\n"
    )
    rendered = render({"probe": probe}, TRACKSIDE_MYSQL_PASSWORD=PASSWORD, OPENEDX_MYSQL_DATABASE="open-edx")
    (first, migrating), (second, granting) = eval((rendered.root / "tasks").read_text())
    assert (first, second) == ("lms", "mysql")
    assert "manage.py lms migrate --noinput trackside" in migrating
    given = _what_mysql_is_given(granting, rendered.root)
    assert given == [
        "CREATE USER IF NOT EXISTS 'trackside'@'%';",
        f"ALTER USER 'trackside'@'%' IDENTIFIED BY {PASSWORD_IN_SQL};",
        "GRANT SELECT, INSERT, UPDATE ON `open-edx`.trackside_webhook TO 'trackside'@'%';",
    ]


def _what_mysql_is_given(task: str, folder: Path) -> list[str]:
    """Return the statements that a task's shell gives the client."""
    (folder / "mysql").write_text("#!/bin/sh\ncat\n")
    (folder / "mysql").chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    return subprocess.run(
        ["/bin/sh", "-e", "-c", task], env={"PATH": path}, capture_output=True, text=True, check=True
    ).stdout.splitlines()


def test_the_oldest_tutor(render: Render, monkeypatch: pytest.MonkeyPatch) -> None:
    """It renders the same services, resources and configuration."""
    rendered = render(packages="requirements-oldest.txt")
    assert loaded(rendered, monkeypatch).config.sources["platform"].forwarder
    assert rendered.service("trackside-worker")["image"] == rendered.service("lms")["image"]
    assert rendered.resource("Deployment", "trackside-worker")
    assert rendered.resource("Service", "events-trackside")
    assert settings_of(rendered, SETTINGS[0]).TRACKSIDE["outbox"] == {"relay": "command"}
