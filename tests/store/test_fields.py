"""Field sets of server-side apply: their spelling survives a round trip, and apply is what it says."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kodkod.resources import Object, kinds
from kodkod.store.embedded import apply, fields, ownership
from kodkod.store.embedded.ownership import Owner

CAPTURE = kinds.PACKET_CAPTURE
ONE = Owner("one", "Apply", "", "projectcalico.org/v3", "t", frozenset())
TWO = Owner("two", "Apply", "", "projectcalico.org/v3", "t", frozenset())

conditions = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from("ABCD"), "status": st.sampled_from(["True", "False"])},
        optional={"reason": st.sampled_from("xy")},
    ),
    max_size=3,
    unique_by=lambda entry: entry["type"],
)
objects: st.SearchStrategy[Object] = st.fixed_dictionaries(
    {"metadata": st.fixed_dictionaries({}, optional={
        "labels": st.dictionaries(st.sampled_from("abc"), st.sampled_from("xy"), min_size=1),
        "finalizers": st.lists(st.sampled_from(["f/1", "f/2"]), min_size=1, unique=True),
    })},
    optional={
        "spec": st.fixed_dictionaries({}, optional={
            "selector": st.sampled_from(["all()", "has(a)"]),
            "filters": st.lists(st.just({"protocol": "TCP"}), max_size=2),
        }),
        "status": st.fixed_dictionaries({"conditions": conditions}),
    },
)  # fmt: skip


def applied(live: Object, wanted: Object, owners: list[Owner], who: Owner) -> tuple[Object, list[Owner]]:
    return apply.merged(CAPTURE, live, wanted, owners, who, force=True)


@given(objects)
def test_a_set_of_fields_survives_its_spelling(obj: Object) -> None:
    paths = frozenset(fields.leaves(CAPTURE, obj))
    assert fields.from_fields_v1(fields.to_fields_v1(paths)) == paths


@given(objects, objects)
def test_what_is_applied_is_there_and_twice_is_once(live: Object, wanted: Object) -> None:
    before = copy.deepcopy(live)
    result, owners = applied(live, wanted, [], ONE)
    assert live == before
    found = fields.leaves(CAPTURE, result)
    for path, value in fields.leaves(CAPTURE, wanted).items():
        assert value in ([], {}) or found[path] == value  # an empty list adds nothing to what others have
    assert applied(result, wanted, owners, ONE) == (result, owners)


@given(objects, objects)
def test_withdrawing_everything_leaves_what_others_own(mine: Object, theirs: Object) -> None:
    result, owners = applied({"metadata": {}}, theirs, [], TWO)
    result, owners = applied(result, mine, owners, ONE)
    result, owners = applied(result, {"metadata": {}}, owners, ONE)
    named = fields.leaves(CAPTURE, mine)  # what was taken over by force goes with its last owner
    kept = {
        path for path, value in fields.leaves(CAPTURE, theirs).items() if value not in ([], {}) and path not in named
    }
    assert kept <= fields.leaves(CAPTURE, result).keys()
    assert not [owner for owner in owners if owner.manager == "one" and owner.fields]


@given(objects, objects)
def test_an_update_owns_what_it_changed(old: Object, new: Object) -> None:
    writer = Owner("w", "Update", "", "projectcalico.org/v3", "t", frozenset())
    owners = ownership.after_update(CAPTURE, old, new, [], writer)
    before, after = fields.leaves(CAPTURE, old), fields.leaves(CAPTURE, new)
    missing: Any = object()
    changed = {path for path, value in after.items() if before.get(path, missing) != value}
    assert {path for owner in owners for path in owner.fields} == changed
