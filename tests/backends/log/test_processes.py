"""The log backend where processes begin, end, fork and are killed."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.backends.programs import PRELUDE, names_in, run_program


@pytest.mark.parametrize(
    "ending",
    ["", "sys.exit(3)", "raise RuntimeError", "import atexit; atexit.register(lambda: emit('at exit'))"],
)
def test_nothing_is_lost_when_a_program_ends(tmp_path: Path, ending: str) -> None:
    """The last event is emitted in the last line; no matter how the program leaves, it is in the log."""
    run_program(f"for n in range(500): emit(str(n))\n{ending}", tmp_path)
    expected = [str(n) for n in range(500)] + (["at exit"] if "atexit" in ending else [])
    assert names_in(tmp_path) == expected


def test_the_first_event_may_be_the_last_act(tmp_path: Path) -> None:
    """Emitted while the interpreter ends already, when threads may be had no more."""
    result = run_program("import atexit; atexit.register(lambda: emit('only'))", tmp_path)
    assert names_in(tmp_path) == ["only"], result.stderr


def test_after_a_fork_both_go_on(tmp_path: Path) -> None:
    """Prefork servers load the application, emit, and fork: events of the parent and all children are stored once."""
    program = """
emit("parent before")
children = []
for child in range(4):
    pid = os.fork()
    if not pid:
        for n in range(50): emit(f"child {child} {n}")
        sys.exit()
    children.append(pid)
    emit(f"parent {child}")
for pid in children: os.waitpid(pid, 0)
"""
    result = run_program(program, tmp_path)
    assert result.returncode == 0, result.stderr
    names = names_in(tmp_path)
    assert sorted(names) == sorted(
        [
            "parent before",
            *(f"parent {c}" for c in range(4)),
            *(f"child {c} {n}" for c in range(4) for n in range(50)),
        ]
    )
    for child in range(4):
        own = [name for name in names if name.startswith(f"child {child}")]
        assert own == [f"child {child} {n}" for n in range(50)]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing(tmp_path: Path, method: str) -> None:
    """They leave without `atexit`; what they emitted last is stored all the same."""
    program = tmp_path / "program.py"
    program.write_text(
        PRELUDE
        + f"""
def work(number):
    for n in range(20): emit(f"{{number}} {{n}}")

if __name__ == "__main__":
    import multiprocessing
    context = multiprocessing.get_context({method!r})
    emit("parent")
    backend.flush(5)
    workers = [context.Process(target=work, args=(number,)) for number in range(3)]
    for worker in workers: worker.start()
    for worker in workers: worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
"""
    )
    result = subprocess.run(
        [sys.executable, program, tmp_path / "data"], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
    assert sorted(names_in(tmp_path / "data")) == sorted(
        ["parent", *(f"{number} {n}" for number in range(3) for n in range(20))]
    )


def test_kill_9_loses_nothing_durable(tmp_path: Path) -> None:
    """What `durable=True` answered True for is in the log, whatever comes next."""
    program = """
for n in range(10_000):
    assert emit(str(n), durable=True)
    print(n, flush=True)
"""
    command = [sys.executable, "-c", PRELUDE + program, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [next(process.stdout) for _ in range(50)]
        process.kill()
        said += list(process.stdout)
    said = [line for line in said if line.endswith("\n")]
    names = names_in(tmp_path)
    assert names[: len(said)] == [str(n) for n in range(len(said))]


def test_several_processes_on_one_directory(tmp_path: Path) -> None:
    """They take turns; each one's events are there, in its order."""
    program = "for n in range(300): emit(f'{sys.argv[2]} {n}')"
    workers = [
        subprocess.Popen([sys.executable, "-c", PRELUDE + program, str(tmp_path), str(number)])
        for number in range(4)
    ]
    assert [worker.wait(60) for worker in workers] == [0, 0, 0, 0]
    names = names_in(tmp_path)
    assert len(names) == 1_200
    for number in range(4):
        assert [name for name in names if name.startswith(f"{number} ")] == [
            f"{number} {n}" for n in range(300)
        ]


@pytest.mark.faults
def test_a_full_disk(tmp_path: Path) -> None:
    """Emitting stays quick; what fits into the memory is stored once there is room, the rest is counted."""
    program = """
import resource, signal
from trackside.telemetry import catalogue
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
assert emit("before", durable=True)
largest = max(path.stat().st_size for path in Path(sys.argv[1]).iterdir())
resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
durations = []
for n in range(2_000):
    began = time.perf_counter()
    emit(str(n), {"noise": os.urandom(300).hex()})
    durations.append(time.perf_counter() - began)
lost = catalogue.BACKEND_DROPPED.value("log", "queue_full")
assert lost > 0
assert sorted(durations)[int(len(durations) * 0.99)] < 0.005, sorted(durations)[-50:]
assert not backend.flush(0.2)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert backend.flush(20)
assert emit("after", durable=True)
print(int(lost))
"""
    prelude = PRELUDE.replace("(sys.argv[1])", "(sys.argv[1], queue_bytes=400_000)")
    result = run_program(program, tmp_path, prelude=prelude)
    assert result.returncode == 0, result.stderr
    lost = int(result.stdout)
    names = names_in(tmp_path)
    assert len(names) == 2_000 - lost + 2
    assert names[0] == "before"
    assert names[-1] == "after"
    numbers = [int(name) for name in names[1:-1]]
    assert numbers == sorted(set(numbers))
    assert "full" in result.stderr
    assert result.stderr.count("events are lost") <= 3


@pytest.mark.faults
def test_a_directory_that_cannot_be_used(tmp_path: Path) -> None:
    """The application goes on; at the end the losses are counted and told."""
    (tmp_path / "data").write_text("a file")
    program = "backend._handover._exit_timeout_s = 0.3\nemit('x')\nassert emit('y', durable=True) is False\n"
    prelude = PRELUDE.replace("backends={", "durable_timeout_s=0.3, backends={")
    result = run_program(program, tmp_path / "data", prelude=prelude)
    assert result.returncode == 0, result.stderr
    assert "2 events are lost in the backend log (exit)" in result.stderr
