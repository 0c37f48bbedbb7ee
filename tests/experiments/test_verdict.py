import pytest

from experiments import verdict


def run(distance, recall=0.8, ticks=(), status="finished"):
    return {
        "status": status,
        "frechet_distance": distance,
        "recall": recall,
        "ticks": list(ticks),
    }


def tick(kimg, ill=False, quality=0.1):
    return {
        "images": 1000 * kimg,
        "discriminator/accuracy": 1.0 if ill else 0.7,
        "discriminator/r_t": 1.0 if ill else 0.5,
        "quality/sliced_wasserstein": quality,
    }


def test_runs_are_judged_against_the_healthy_one():
    found = [
        run(14.0),
        run(16.0),
        run(31.0),
        run(101.0),
        run(20.0, 0.05),
        run(11, 0.8, (), "diverged"),
    ]
    judged = verdict.judge(dict(enumerate(found)), healthy=10.0, recall=0.8)
    assert (judged["runs"], judged["healthy"], judged["failed"]) == (6, 2, 2)
    assert judged["collapsed"] == [False, False, False, True, True, True]
    assert judged["ratio"] == pytest.approx(1.8)


def test_an_alarm_is_in_time_before_a_quarter_of_the_rest_is_wasted():
    def ticks(ill_from):
        # the run's own metric is best at 10, and gets worse from there to 50
        return [
            tick(i, ill=i >= ill_from, quality=0.1 if i == 10 else 0.2 + i / 100)
            for i in range(1, 51)
        ]

    assert verdict.first_alarm(ticks(100)) is None
    assert verdict.first_alarm(ticks(12)) == (14_000, ["saturated"])
    assert verdict.in_time(ticks(12))
    assert verdict.in_time(ticks(18))  # alarm at 20 = 10 + 0.25 * 40
    assert not verdict.in_time(ticks(19))
    assert not verdict.in_time(ticks(100))


def test_the_verdict_counts_what_failed_and_is_healthy():
    ill = [tick(i, ill=True, quality=i) for i in range(1, 30)]
    found = {
        (name, control): {seed: run(d, ticks=ticks) for seed, d in enumerate(distances)}
        for name, columns in {
            "healthy": [("none", (10.0, 10.0), ()), ("auto", (9.0, 11.0), ())],
            "fixed": [("none", (200.0, 12.0), ill), ("auto", (12.0, 99.0), ())],
            "lost": [("none", (40.0, 50.0), ()), ("auto", (15.0, 16.0), ())],
        }.items()
        for control, distances, ticks in columns
    }
    rows = verdict.rows(found)
    assert list(rows) == ["healthy", "fixed", "lost"]
    assert verdict.verdict(rows) == {
        "untreated runs": 4,
        "of them failed": 3,
        "of these healthy under auto": "2 of 3",
        "the healthy configuration, auto over none": 1.0,
        "untreated runs that collapsed or diverged": 1,
        "of them noticed in time": 1,
        "false alarms on healthy runs": 0,
    }


def test_runs_are_paired_by_their_seeds():
    def judge(distances):
        return verdict.judge({s: run(d) for s, d in distances.items()}, 10.0, 0.8)

    rows = {"failing": {"none": judge({0: 99.0, 1: 11.0}), "auto": judge({1: 99.0})}}
    assert verdict.verdict(rows)["of these healthy under auto"] == "0 of 0"
    rows["failing"]["auto"] = judge({0: 12.0})
    assert verdict.verdict(rows)["of these healthy under auto"] == "1 of 1"
