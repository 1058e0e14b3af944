"""Merchants' templates: whatever they do, the service goes on."""

import asyncio
import os
import signal

import pytest

from services.messaging.adapters.liquid_renderer import TOGETHER, LiquidRenderer
from services.messaging.application.ports import TemplateBroken
from services.messaging.domain.templates import DEFAULT_CONTENT, SAMPLE, Content

BURNER = (
    "{% capture s %}{% for i in (1..6000) %}abcdef,{% endfor %}{% endcapture %}"
    "{% for i in (1..9000) %}{% assign l = s | split: ',' | sort | join: ',' | size %}{% endfor %}"
)


async def render(renderer: LiquidRenderer, html: str, subject: str = "s") -> str:
    return (await renderer.render(Content(subject, html), SAMPLE)).html


async def test_default_template_reads_well(renderer: LiquidRenderer) -> None:
    rendered = await renderer.render(DEFAULT_CONTENT, SAMPLE)

    assert rendered.subject == "You earned 59 points at Cloud Leaf"
    assert rendered.text.startswith("Thank you, Ada!\n\nYour order earned you 59 points;")


@pytest.mark.parametrize(
    "bomb",
    [
        "{% for i in (1..100000000) %}{% endfor %}",
        "{% for i in (1..9999) %}{% for j in (1..9999) %}x{% endfor %}{% endfor %}",
        "{% assign a = 'x' %}{% for i in (1..40) %}{% assign a = a | append: a %}{% endfor %}{{ a }}",
        "{% for i in (1..9000) %}0123456789012345678901234567890123456789{% endfor %}",
        "{% if",
        "{{ points | no_such_filter }}",
        "{% include 'x' %}",
        "{% render 'x' %}",
    ],
)
async def test_bomb_or_nonsense_is_a_broken_template(renderer: LiquidRenderer, bomb: str) -> None:
    with pytest.raises(TemplateBroken):
        await render(renderer, bomb)

    assert await render(renderer, "<p>{{ points }}</p>") == "<p>59</p>"


async def test_template_that_burns_time_is_killed_and_the_next_one_works(renderer: LiquidRenderer) -> None:
    with pytest.raises(TemplateBroken, match="time or memory"):
        await render(renderer, BURNER)

    assert await render(renderer, "<p>{{ points }}</p>") == "<p>59</p>"


async def test_of_many_at_once_each_gets_its_own_and_only_the_broken_ones_fail(renderer: LiquidRenderer) -> None:
    templates = [f"<p>{number}</p>" for number in range(3 * TOGETHER)]
    templates[TOGETHER // 2] = BURNER
    templates[TOGETHER] = "{% if"

    done = await asyncio.gather(*(render(renderer, each) for each in templates), return_exceptions=True)

    broken = [number for number, found in enumerate(done) if isinstance(found, TemplateBroken)]
    assert broken == [TOGETHER // 2, TOGETHER]
    assert [found for found in done if isinstance(found, str)] == [each for each in templates if each.startswith("<p>")]


async def test_who_gives_up_waiting_leaves_no_answer_for_the_next(renderer: LiquidRenderer) -> None:
    await render(renderer, "x")
    tasks = [asyncio.create_task(render(renderer, html)) for html in (BURNER, "<p>one</p>", "<p>two</p>")]
    await asyncio.sleep(0.2)
    tasks[0].cancel()
    tasks[1].cancel()

    assert await tasks[2] == "<p>two</p>"
    assert await render(renderer, "<p>three</p>") == "<p>three</p>"
    assert [task.cancelled() for task in tasks] == [True, True, False]


async def test_worker_that_died_is_replaced(renderer: LiquidRenderer) -> None:
    await render(renderer, "x")
    assert renderer._worker is not None
    os.kill(renderer._worker.pid, signal.SIGKILL)

    with pytest.raises(TemplateBroken):
        await render(renderer, "x")

    assert await render(renderer, "<p>x</p>") == "<p>x</p>"


@pytest.mark.parametrize("probe", ["points.__class__", "given_name.__init__.__globals__", "x.items", "env", "self"])
async def test_nothing_of_python_is_within_reach(renderer: LiquidRenderer, probe: str) -> None:
    assert await render(renderer, f"<p>{{{{ {probe} }}}}</p>") == "<p></p>"


@pytest.mark.parametrize(
    ("html", "safe"),
    [
        ("<script>alert(1)</script><p>a</p>", "<p>a</p>"),
        ("<p onclick='x()'>a</p>", "<p>a</p>"),
        ("<a href='javascript:x()'>a</a>", "<a>a</a>"),
        ("<p style='color:red;position:fixed'>a</p>", '<p style="color:red">a</p>'),
        ("<iframe src='https://x.example'></iframe><form action='/x'><p>a</p></form>", "<p>a</p>"),
        ("<img src='data:text/html,x' alt='a'>", '<img alt="a">'),
    ],
)
async def test_html_is_sanitised(renderer: LiquidRenderer, html: str, safe: str) -> None:
    assert await render(renderer, html) == safe


async def test_subject_stays_on_one_line(renderer: LiquidRenderer) -> None:
    rendered = await renderer.render(Content("a{{ nl }}\r\nBcc: x", "x"), {"nl": "\r\nTo: eve@x.example"})

    assert rendered.subject == "a To: eve@x.example Bcc: x"
