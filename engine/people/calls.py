"""Which deed each call of a lab is: a row for every public method of `Lab`, of what it composes, and of
the objects that these hand out and that can be changed through. A call without a row is refused to
everybody but the owner; a test fails when one is missing.
"""

from __future__ import annotations

HIDDEN = "hidden"  # a call that no page makes

# subject → deed → its calls
_ROWS: dict[str, dict[str, str]] = {
    "lab": {
        "look": "damaged dataset datasets health model_folder model_meta models recipe recipes run"
        " may runs task tasks why_not why_not_submit",
        "predict": "predictor",
        "train": "submit",
        "stop a run": "stop",
        "resume a run": "resume",
        "delete a run": "delete",
        "keep a recipe": "save_recipe",
        "stop a task": "stop_task",
        HIDDEN: "open train evaluate export_onnx for_person start_task",  # start_task: by its kind
    },
    "store": {
        "look": "compiled damaged damaged_models damaged_recipes damaged_runs dataset datasets"
        " known_runs model_folder model_meta models recipe recipes run runs",
        "predict": "predictor",
        "delete a run": "delete delete_run",
        "keep a recipe": "save_recipe",
    },
    "launcher": {
        "look": "cluster damaged_tasks refresh task tasks",
        "train": "submit",
        "stop a run": "stop",
        "resume a run": "resume again with_test_split",
        "stop a task": "stop_task",
        HIDDEN: "train probe start_task executor check_data",
    },
    "data": {
        "look": "augmented check contents list listing recipe_view samples why_not_trained",
        "prepare data": "fetch",
        "change data": "upload remove_upload",
    },
    "imports": {
        "look": "choices",
        "change data": "change fetch keep let_go look_at places stage stage_place",
        HIDDEN: "keep_as stage_path",  # of any path
    },
    "notes": {"look": "all", "note a run": "tag untag write"},
    "labels": {
        "look": "classes current decisions given history labels_now listing places",
        "take away": "export",
        "label": "mark relabel take_in undo",
    },
    "decisions": {
        "look": "current entries history latest",
        "label": "append undo write",
    },
    "annotators": {"look": "agreement votes", "label": "take_consensus"},
    "samples": {
        "look": "beside copies find models neighbours original predictions squares suspicion",
        "predict": "predict",
    },
    "labelling": {"look": "head proposals recipe score standing"},
    "noise": {
        "look": "damaged data find list review trials",
        "diagnose": "delete delete_trial diagnose try_noise",
        "tidy": "delete_damaged",
    },
    "review": {"look": "decisions last", "label": "decide undo"},
    "spaces": {
        "look": "by_key damaged epochs figures find learning list locate map run_images",
        "predict": "embedding_of",
        "compute": "embed",
        "tidy": "delete",
    },
    "sweeps": {
        "look": "importances info list recipe spec titles trials trials_store wanted workers",
        "sweep": "again create delete pause start stop want",
        "keep a recipe": "promote",
        HIDDEN: "work",
    },
    "compare": {
        "look": "answers differences groups images mistakes names pair predictions reliability"
        " subjects table tests"
    },
    "study": {"look": "row rows runs_of", "sweep": "start"},
    "taught": {
        "look": "bank damaged embedder leave_one_out most_alike recognise symbol symbols",
        "teach": "add remove remove_last take_in export",
        "tidy": "delete_damaged",
    },
    "drawings": {
        "look": "all before_and_after counts recipe",
        "collect": "remove save export",
    },
    "galleries": {"look": "get path", "compute": "build", HIDDEN: "calibrate ship"},
    "exports": {
        "take away": "dataset package rows",
        "publish": "pull_model push_dataset push_model",
    },
    "lessons": {
        "look": "assignment leaderboard",
        "lead": "clear end hand_out stop_all take_back untouched wall",
    },
    "visits": {HIDDEN: "forget"},
    "tour": {"look": "drawn place state under_way", "lead": "start stop", HIDDEN: "prepare"},
    "trash": {"restore": "empty entries put restore sweep"},
    "classroom": {
        "look": "is_locked_for now",
        "lead": "assign back_code back_codes lock may_come_back new_code send_away",
        HIDDEN: "dismiss enter join leave key outside pass_of passes person_of visitor",
    },
    "run": {
        "look": "final info log_tail metrics recipe status",
        HIDDEN: "append_metrics ask_to_stop delete end forget_after heartbeat log own take_lock"
        " write_arrays write_status write_recipe read_again",
    },
}
CALLS: dict[str, str] = {
    f"{subject}.{call}": deed
    for subject, deeds in _ROWS.items()
    for deed, calls in deeds.items()
    for call in calls.split()
}
# What is handed out behind a door of its own, as it can be changed through.
GIVEN = {
    "lab.run": "run",
    "store.run": "run",
    "noise.review": "review",
    "labels.decisions": "decisions",
}
# Parts of parts.
NESTED = {"data.imports": "imports"}
# A kind of background task → the deed that starting it is.
TASK_DEEDS = {
    "gallery": "compute",
    "embed": "compute",
    "project": "compute",
    "align-maps": "compute",
    "cluster": "compute",
    "unfold": "compute",
    "measure": "compute",
    "evaluate": "compute",
    "score-together": "compute",
    "find_rate": "sweep",  # a recipe of any size, without a quota's minutes
    "load": "prepare data",
    "diagnose": "diagnose",
    "noise-trial": "diagnose",
    "publish-labels": "change data",
    "sweep": "sweep",
}
