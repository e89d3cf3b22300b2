"""Rules on boxes, tables, actions and programmes, against numbers by hand."""

import numpy as np
import pytest

from rewardlab.rules import boxes, medical, shopping, similarity, sql
from rewardlab.rules.partial_credit import partial_credit

BOX = (10, 20, 60, 80)


def test_boxes_that_are_equal_or_apart():
    assert boxes.hit(BOX, BOX) == boxes.iou(BOX, BOX) == 1.0
    assert boxes.corners(BOX, BOX, 640, 480) == 1.0
    away = (100, 100, 120, 130)
    assert boxes.hit(away, BOX) == boxes.iou(away, BOX) == 0.0
    assert boxes.iou((0, 0, 0, 0), (0, 0, 0, 0)) == 0.0
    assert boxes.corners((640, 0, 0, 0), (0, 0, 0, 0), 640, 480) == 0.0


def test_boxes_that_overlap():
    """10 by 60 of 50 * 60 + 80 * 60 - 600; x off by 40 and 70 of 640."""
    box = (50, 20, 130, 80)
    assert boxes.iou(box, BOX) == 600 / (3000 + 4800 - 600)
    assert boxes.hit((60, 80, 60, 80), BOX) == 1.0  # on the edge
    want = 4 / (2 + 1 / (1 - 40 / 640) + 1 / (1 - 70 / 640))
    np.testing.assert_allclose(boxes.corners(box, BOX, 640, 480), want, rtol=1e-12)
    assert boxes.iou((59, 20, 130, 80), BOX) == 0.0  # one column is no overlap
    assert boxes.hit((60, 80, 10, 20), BOX) == 1.0  # corners swapped


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ('so\n```json\n[{"bbox_2d": [1, 2, 3, 4]}]\n```\nend', (1, 2, 3, 4)),
        ('[{"bbox_2d": [1, 2, 3, 4.5], "label": "a"}]', (1, 2, 3, 4.5)),
        ('[{"bbox_2d": [1, 2, 3]}]', None),
        ('[{"bbox_2d": ["1", 2, 3, 4]}]', None),
        ("[{}]", None),
        ("[]", None),
        ("(1, 2", None),
        ("__import__('os')", None),
        ("", None),
    ],
)
def test_reading_boxes(text, box):
    assert boxes.read_box(text) == box


TEXT = "<MRI> <thinking>so</thinking> <answer>a tumour.</answer>"


def test_medical_texts():
    tight = medical.tight(TEXT)
    assert medical.form(tight) == 1.0 and medical.form(tight + "x") == 0.0
    assert medical.form("no tags") == medical.modality("no tags", "<MRI> a") == 0.0
    assert medical.modality(tight, "<mri> a tumour") == 1.0
    assert medical.modality(tight, "<CT> a tumour") == 0.0
    assert medical.answers(tight, "<MRI> a tumour.") == ("a tumour", "a tumour")
    assert medical.answers("a lump.", "<MRI> b") == ("a lump", "b")
    assert not medical.is_answer("B") and not medical.is_answer("who?")
    assert medical.is_answer("no")


def test_best_matches_of_two_sets():
    """Rows' best 0.9 and 0.5, columns' 0.9, 0.4 and 0.5."""
    table = np.array([[0.9, 0.4, 0.1], [0.3, 0.2, 0.5]])
    assert similarity.best_match(table) == 0.7
    np.testing.assert_allclose(similarity.best_match(table.T), 0.6, rtol=1e-12)
    np.testing.assert_allclose(similarity.bidirectional_best_match(table), 0.65)
    assert similarity.bidirectional_best_match(table[:0]) == 0.0


def test_actions_of_a_shopper():
    click = {"type": "click", "name": "red shoes"}
    assert shopping.action_reward(None, click) == 0.0
    assert shopping.action_reward({"type": "terminate"}, click) == 0.5
    assert shopping.action_reward({"type": "click"}, click) == 0.8
    assert shopping.action_reward(click, click, scale=2.0) == 3.0
    typed = {"type": "type_and_submit", "name": "search", "text": "red shoes"}
    np.testing.assert_allclose(shopping.action_reward(typed, typed, scale=1.0), 2.1)
    end = {"type": "terminate"}
    assert shopping.action_reward(end, end) == 0.8


def test_queries_in_part():
    """{select, a, from, t} and {select, b, from, t}: 3 of 5; 1 pair of 5."""
    one, other = "select a from t", "select b from t"
    assert sql.token_overlap(one, other) == 3 / 5
    assert sql.ngram_overlap(one, other) == 1 / 5
    assert sql.ngram_overlap(one, one) == sql.ngram_overlap("a", "a") == 1.0


def test_partial_credit():
    np.testing.assert_allclose(partial_credit(None, 3), -9.7)
    assert partial_credit(0.25, 3) == 0.25 and partial_credit(0.0, 0) == 0.0
