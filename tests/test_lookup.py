"""What a name stands for: built in, a path, an object; and what a thing is called."""

import sys
from types import ModuleType

import pytest

from rewardlab.core.lookup import handing, look_up, name_of, place_of
from rewardlab.models.lm import CONFIGS, LMConfig
from rewardlab.models.shapes import shape_of
from rewardlab.tasks import TASKS, Task, task_named

HERE = __name__
SMALL = LMConfig(8, 1, 32, num_heads=2, num_kv_heads=1, head_dim=16, ffn=64)


def sums(hard=False, most=3):
    """A task of one's own, made with arguments."""
    name = "calculator" if hard else "arithmetic"
    return TASKS[name]._replace(completion_length=most)


class Holder:
    inner = 5


def test_a_path_is_taken_apart():
    place = place_of("a.b:c.d(1, [2], name='x')")
    assert place[:2] == ("a.b", "c.d") and place.args == (1, [2]) and place.called
    assert place.kwargs == {"name": "x"} and str(place) == "a.b:c.d"
    assert place_of("grpo") is None and place_of("outcome('a:b')") is None
    assert place_of("m:f(1) | g()") is None
    assert place_of(" m:f ").args == () and not place_of("m:f").called
    for text in ("m:f(open('x'))", "m:f(*a)", "m:f(**{'a': 1})", "m:f(a=b)"):
        with pytest.raises(ValueError, match="not understood") as error:
            assert place_of(text, "task") is not None
            raise AssertionError(text)
        assert str(error.value).startswith("task ") and text[:3] in str(error.value)


def test_a_name_a_path_or_the_thing_itself():
    table = {"one": 1}
    assert look_up("one", "number", table) == 1
    assert look_up(7, "number", table) == 7
    assert look_up(f"{HERE}:Holder.inner", "number", table) == 5
    assert (
        look_up(f"{HERE}:sums(hard=True, most=9)", "task", TASKS).completion_length == 9
    )
    assert look_up("os.path:join('a', 'b')", "path", {}) == "a/b"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("serch", "no task 'serch'; did you mean 'search'? have arithmetic, "),
        ("nowhere:x", "task 'nowhere:x' cannot be imported (ModuleNotFoundError: No"),
        (f"{HERE}:nothing", "cannot be imported (AttributeError: module"),
        (f"{HERE}:SMALL", "which is no Task; name a rewardlab.tasks.Task"),
        (f"{HERE}:sums", "which is no Task; name a rewardlab.tasks.Task"),
        (f"{HERE}:sums(soft=1)", "unexpected keyword argument 'soft'"),
        ("given:task", "was handed to rewardlab.train as an object, which only the"),
    ],
)
def test_what_is_no_task_is_said_in_one_sentence(name, says):
    with pytest.raises(ValueError) as error:
        task_named(name)
    assert says in str(error.value) and "\n" not in str(error.value)


def test_a_module_that_fails_says_why(monkeypatch, tmp_path):
    (tmp_path / "breaks_at_once.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="cannot be imported .ZeroDivisionError"):
        task_named("breaks_at_once:TASK")


def test_things_that_are_handed_over_have_a_name_meanwhile():
    task = TASKS["search"]._replace(completion_length=5)
    with handing({"given:task": task}), handing({"given:other": 1}):
        assert task_named("given:task") is task
        assert look_up("given:other", "number", {}) == 1
    with pytest.raises(ValueError, match="hand it over anew, or put it into a module"):
        task_named("given:task")


def test_a_thing_knows_where_it_can_be_found(monkeypatch):
    module = ModuleType("of_mine")
    module.TASK = TASKS["search"]._replace(completion_length=5)
    monkeypatch.setitem(sys.modules, "of_mine", module)
    assert name_of(module.TASK) == "of_mine:TASK"
    assert name_of(sums) == f"{HERE}:sums" and name_of(SMALL) == f"{HERE}:SMALL"
    assert name_of(Task) == "rewardlab.tasks.task:Task"
    assert name_of(lambda: 1) == "" and name_of(module.TASK._replace(signals=())) == ""


def test_the_sizes_of_a_model_are_a_preset_with_changes():
    assert shape_of("S") == CONFIGS["S"] == shape_of("S", num_layers=0, width=0)
    small = shape_of("S", num_layers=1, width=64, num_heads=2, ffn=128)
    wanted = LMConfig(64, 1, 64, num_heads=2, num_kv_heads=2, head_dim=32, ffn=128)
    assert small == wanted
    assert shape_of(f"{HERE}:SMALL") == SMALL  # with its one key head
    assert shape_of("M", width=768).head_dim == 128
    with pytest.raises(ValueError, match="model.width=130 does not divide over"):
        shape_of("S", width=130)
    with pytest.raises(ValueError, match="no model 'L'; have M, S"):
        shape_of("L")
    with pytest.raises(ValueError, match="is a function; name an rewardlab.models.lm"):
        shape_of(f"{HERE}:sums")
