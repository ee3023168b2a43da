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
        "look": "augmented check contents is_here list listing recipe_view samples why_not_trained",
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
        "look": "beside check_same copies find models neighbours on_map original"
        " predictions squares suspicion",
        "predict": "predict",
    },
    "labelling": {"look": "head model_predicts predicted proposals recipe score standing"},
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
        "look": "answers differences groups images left_out mistakes names pair predictions reliability"
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
    "galleries": {"look": "get path", "compute": "build", HIDDEN: "calibrate name_images ship"},
    "exports": {
        "take away": "dataset package rows",
        "publish": "pull_model push_dataset push_model",
    },
    "lessons": {
        "look": "assignment leaderboard",
        "lead": "clear end gather hand_out still_stopping stop_all take_back undo_clear untouched wall"
        " why_not_assigned",
        HIDDEN: "go_on_clearing is_to_be_told was_told",
    },
    "visits": {HIDDEN: "forget"},
    "tour": {
        "look": "is_there place state under_way",
        "lead": "drawn start stop",
        HIDDEN: "prepare",
    },
    "trash": {"restore": "empty entries put restore sweep"},
    "classroom": {
        "look": "is_locked_for now",
        "lead": "assign back_code back_codes lock may_come_back new_code send_away",
        HIDDEN: "dismiss enter is_code join know_again knows leave key outside pass_of passes person_of"
        " visitor",
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
    "confusions": "compute",
    "find_rate": "sweep",  # a recipe of any size, without a quota's minutes
    "load": "prepare data",
    "diagnose": "diagnose",
    "noise-trial": "diagnose",
    "publish-labels": "change data",
    "sweep": "sweep",
}
# What opens a data set that an argument names → that argument: a name, a specification, a run or
# an embedding. Who does not lead opens only what the lab lists (engine.people.listed).
_OPENS = {
    "data": "labels.classes labels.current labels.decisions labels.given labels.history"
    " labels.labels_now labels.listing labels.places labels.export annotators.agreement"
    " annotators.votes samples.beside samples.check_same samples.copies samples.find samples.models"
    " samples.neighbours samples.on_map samples.original samples.predict samples.predictions"
    " samples.squares samples.suspicion spaces.embed spaces.figures spaces.find",
    "dataset": "noise.data noise.find",
    "name": "lab.dataset store.dataset data.augmented data.check data.contents data.is_here"
    " data.listing data.samples imports.choices exports.dataset exports.rows",
    "spec": "data.why_not_trained",
    "subject": "compare.images compare.names",
    "run": "spaces.run_images",
    "space": "labelling.head labelling.model_predicts labelling.predicted labelling.proposals"
    " labelling.recipe labelling.score labelling.standing",
}
OPENS = {call: argument for argument, calls in _OPENS.items() for call in calls.split()}
# Arguments of background tasks that name a data set.
TASK_OPENS = ("data", "dataset")
# What answers with an embedding that was found by a key, and with lists in which some are of data sets
# that the lab does not list.
FOUND = ("spaces.by_key",)
LISTS = {
    "spaces.list": "data",
    "noise.list": "name",
    "lab.datasets": "name",
    "store.datasets": "name",
    "data.list": "name",
}
# Answers that pages show, in which a path of the server may stand (engine.people.untold).
_TOLD = {
    "lab": "damaged datasets model_meta models recipe recipes runs task tasks",
    "store": "damaged damaged_models damaged_recipes damaged_runs datasets model_meta models recipe"
    " recipes runs",
    "launcher": "cluster damaged_tasks task tasks",
    "data": "check contents list",
    "run": "final info log_tail recipe status",
    "compare": "subjects",
    "drawings": "recipe",
    "labelling": "recipe",
    "lessons": "assignment leaderboard",
    "noise": "damaged list trials",
    "spaces": "damaged list",
    "study": "row rows",
    "sweeps": "info list recipe spec trials",
    "taught": "damaged",
    "tour": "place state under_way",
}
TOLD = {f"{subject}.{call}" for subject, calls in _TOLD.items() for call in calls.split()}
