"""Every key in one place: the same action has the same key on every screen."""

from __future__ import annotations

from textual.binding import Binding


def _binding(
    key: str, action: str, description: str, tooltip: str, *, id: str, show: bool = False
) -> Binding:
    return Binding(key, action, description, show=show, id=id, tooltip=tooltip)


GO = (
    _binding("o", "go('overview')", "Overview", "What is wrong, at a glance", id="go-overview"),
    _binding("v", "go('diagnosis')", "Diagnosis", "The walk to the root cause", id="go-diagnosis"),
    _binding("x", "go('proxies')", "Proxies", "Every proxy and its sync state", id="go-proxies"),
    _binding("l", "go('istiod-logs')", "Logs", "istiod's logs, explained", id="go-istiod-logs"),
    _binding(
        "h",
        "go('webhooks')",
        "Webhooks",
        "Which webhook injects whom, and who answers",
        id="go-webhooks",
    ),
    _binding(
        "n",
        "go('namespaces')",
        "Namespaces",
        "Labels, verdicts, pods with and without a proxy",
        id="go-namespaces",
    ),
    _binding("m", "go('mtls')", "mTLS", "Who sends what to whom, and does it work", id="go-mtls"),
    _binding("a", "go('why-403')", "Why 403", "What was refused, by which rule", id="go-why-403"),
    _binding(
        "u",
        "go('revisions')",
        "Revisions",
        "Revision asked for, injected, connected; what an upgrade left",
        id="go-revisions",
    ),
    _binding(
        "e",
        "go('certificates')",
        "Certificates",
        "Chain, root and days left of every certificate",
        id="go-certificates",
    ),
    _binding(
        "t", "go('trace')", "Trace", "One request, hop by hop, and how it ends", id="go-trace"
    ),
)
"""Keys that lead to a screen, from everywhere."""

RECORD = _binding(
    "ctrl+s", "app.record", "Record", "Live: take a recording; again: stop it", id="record"
)
"""Everywhere; the overview alone has room to show it."""

APP = (
    _binding(
        "colon,ctrl+p",
        "app.command_palette",
        "Go to",
        "Type where to go or what to do",
        id="palette",
        show=True,
    ),
    _binding("question_mark,f1", "help", "Help", "The keys of this screen", id="help", show=True),
    _binding(
        "escape",
        "step_back",
        "Back",
        "Clear the filter, else back one screen",
        id="back",
        show=True,
    ),
    _binding("q", "leave", "Leave", "Back one screen; on the overview, quit", id="leave"),
    _binding(
        "r",
        "read_again",
        "Read again",
        "Read and diagnose again; cursor and filter stay",
        id="read-again",
    ),
    RECORD,
    _binding("p", "app.paste", "Paste", "Explain a line that you paste", id="paste"),
    _binding("w", "app.report", "Report", "Write a report of what is shown", id="report"),
    _binding(
        "d",
        "app.changes",
        "What changed",
        "Against another recording; there again: choose another",
        id="changes",
    ),
    _binding(
        "space", "app.follow", "Follow", "Live: pause following the mesh, or go on", id="follow"
    ),
    _binding("ctrl+c", "quit", "Quit", "Leave at once (copies when text is selected)", id="quit"),
)
"""Keys of the app itself."""

SCREEN = (
    _binding(
        "slash",
        "filter",
        "Filter",
        "Regular expression; ! in front inverts",
        id="filter",
        show=True,
    ),
    _binding(
        "ctrl+z", "faults", "Faults", "Only rows that are not in order", id="faults", show=True
    ),
    _binding("y", "raw", "Raw", "The row as JSON, as -o json prints it", id="raw"),
    _binding(
        "c",
        "copy",
        "Copy",
        "The command that belongs to the row, else the row",
        id="copy",
        show=True,
    ),
    _binding("ctrl+w", "wide", "Wide", "Every column at full width, arrows scroll", id="wide"),
)
"""Keys of every screen with tables."""

NAMESPACES = tuple(
    _binding(
        str(number),
        f"namespace({number})",
        f"Namespace {number}" if number else "All namespaces",
        f"Only the namespace with number {number}" if number else "Rows of every namespace",
        id=f"namespace-{number}",
    )
    for number in range(10)
)
"""Digits limit every table to one namespace."""

TABLE = (
    _binding("enter", "select_cursor", "Open", "What the row stands for", id="open", show=True),
    _binding("j", "cursor_down", "Down", "One row down", id="down"),
    _binding("k", "cursor_up", "Up", "One row up", id="up"),
    _binding("g", "scroll_top", "Top", "First row", id="top"),
    _binding("G", "scroll_bottom", "Bottom", "Last row", id="bottom"),
)
"""Keys of a table that has the focus."""

TABS = (
    _binding("right", "tab(1)", "Next tab", "The tab to the right", id="next-tab"),
    _binding("left", "tab(-1)", "Previous tab", "The tab to the left", id="previous-tab"),
)
"""Keys of screens that have tabs."""

NOTES = _binding("i", "notes", "Notes", "Show or hide notes (severity info)", id="notes")
"""On the overview."""

PROXY_LOG = _binding("l", "proxy_log", "Log", "The proxy's own log", id="proxy-log", show=True)
"""Where a row is a proxy."""

RELATED = (
    _binding("m", "mtls_here", "mTLS here", "mTLS around this", id="mtls-here"),
    _binding("a", "why_here", "Why 403 here", "What is refused around this", id="why-here"),
    _binding("t", "trace_here", "Trace here", "Walk a request of this", id="trace-here"),
    _binding("u", "revisions_here", "Revisions here", "Revisions of this", id="revisions-here"),
    _binding(
        "e",
        "certificates_here",
        "Certificates here",
        "Certificates of this",
        id="certificates-here",
    ),
)
"""Where something is chosen that has clients and servers: a root cause, a proxy."""

TRACE = _binding("f", "edit", "Fields", "Change the request that is walked", id="fields", show=True)
"""On the trace screen."""

CHANGES = _binding(
    "s", "swap", "Swap", "Which of the two came before, the other way round", id="swap", show=True
)
"""On the screen of what changed."""

DRILL = (
    _binding(
        "H", "hint", "Hint", "Show one more hint; it costs points", id="drill-hint", show=True
    ),
    _binding("C", "cause", "Cause", "Commit to a root cause", id="drill-cause", show=True),
    _binding(
        "F", "finish", "Finish", "Have the mesh graded as it stands", id="drill-finish", show=True
    ),
    _binding(
        "Q", "questions", "Questions", "Answer the questions on the way", id="drill-questions"
    ),
    _binding("N", "new", "New", "Apply YAML that you write or paste", id="drill-new"),
    _binding("D", "delete", "Delete", "Delete the object", id="drill-delete"),
    _binding("R", "restart", "Restart", "Restart the workload", id="drill-restart"),
    _binding("S", "scale", "Scale", "Change the workload's replicas", id="drill-scale"),
    _binding("L", "label", "Label", "Set and take away labels", id="drill-label"),
    _binding("U", "undo", "Undo", "Take the last change back", id="drill-undo"),
    _binding("B", "begin", "Begin again", "Put the mesh back as it was", id="drill-begin"),
)
"""Of a drill; capitals change something, as small letters never do."""

EXAM = (
    _binding("M", "mark", "Mark", "Mark the task for later, or not", id="exam-mark", show=True),
    _binding("E", "end", "End", "End the exam; asks first", id="exam-end", show=True),
)
"""Of an exam's overview."""

EDITOR = (
    Binding(
        "ctrl+s",
        "apply",
        "Apply",
        show=True,
        id="editor-apply",
        tooltip="Write it to the mesh of the drill",
        priority=True,
    ),
    Binding(
        "escape",
        "close",
        "Back",
        show=True,
        id="editor-back",
        tooltip="Leave the editor; asks when something would be lost",
        priority=True,
    ),
)
"""Of an editor, where letters are typed."""

ANSWER = (
    _binding("escape", "cancel", "Close", "Close without an answer", id="answer-close"),
    _binding("down", "next(1)", "Next", "The next question", id="answer-next"),
    _binding("up", "next(-1)", "Before", "The question before", id="answer-previous"),
    _binding("ctrl+c", "app.quit", "Quit", "Leave at once", id="answer-quit"),
)
"""Keys of a window that asks for a line; enter takes it."""

CHOOSE = (
    _binding("escape,q", "cancel", "Close", "Close without choosing", id="choose-close"),
    _binding(
        "slash", "filter", "Filter", "Regular expression; ! in front inverts", id="choose-filter"
    ),
    _binding("ctrl+c", "app.quit", "Quit", "Leave at once", id="choose-quit"),
)
"""Keys of a window with a list; enter takes the row."""

WINDOW = (
    _binding("escape,q", "dismiss", "Close", "Close this window", id="close"),
    _binding("c", "copy", "Copy", "Copy the command, else the text", id="copy-window"),
    _binding("j", "scroll('down')", "Down", "One line down", id="window-down"),
    _binding("k", "scroll('up')", "Up", "One line up", id="window-up"),
    _binding("g", "scroll('home')", "Top", "The beginning", id="window-top"),
    _binding("G", "scroll('end')", "Bottom", "The end", id="window-bottom"),
    _binding(
        "ctrl+c",
        "app.quit",
        "Quit",
        "Leave at once (copies when text is selected)",
        id="window-quit",
    ),
)
"""Keys of a window over a screen."""

ASK = (
    _binding("enter,y", "answer(True)", "Yes", "Do it", id="yes"),
    _binding("escape,n", "answer(False)", "No", "Do not do it", id="no"),
    _binding("ctrl+c", "app.quit", "Quit", "Leave at once", id="ask-quit"),
)
"""Keys of a question; its last line says what each does."""

SAVE = (
    _binding("escape", "cancel", "Cancel", "Record nothing", id="cancel"),
    _binding(
        "ctrl+c", "app.quit", "Quit", "Leave at once (copies when text is selected)", id="save-quit"
    ),
)
"""Keys of the window that asks for a path; enter takes the path."""

PASTE = (
    _binding("escape", "cancel", "Close", "Close without going anywhere", id="paste-close"),
    _binding(
        "ctrl+c",
        "app.quit",
        "Quit",
        "Leave at once (copies when text is selected)",
        id="paste-quit",
    ),
)
"""Keys of the window that explains a pasted line; enter explains, then goes on from there."""

REPORT_WINDOW = (
    _binding("escape", "cancel", "Cancel", "Write nothing", id="report-cancel"),
    _binding("down", "format(1)", "Next format", "The next format", id="report-next"),
    _binding("up", "format(-1)", "Format before", "The format before", id="report-previous"),
    _binding("f2", "mask", "Mask", "Pseudonyms for names and addresses, or not", id="report-mask"),
    _binding(
        "ctrl+c",
        "app.quit",
        "Quit",
        "Leave at once (copies when text is selected)",
        id="report-quit",
    ),
)
"""Keys of the window that asks for a report's path and format; enter takes them."""

COMPARE_WINDOW = (
    _binding("escape", "cancel", "Cancel", "Stop reading; else close", id="compare-cancel"),
    _binding("down", "offer(1)", "Next", "The next that is offered", id="compare-next"),
    _binding("up", "offer(-1)", "Before", "The one before", id="compare-previous"),
    _binding(
        "ctrl+c",
        "app.quit",
        "Quit",
        "Leave at once (copies when text is selected)",
        id="compare-quit",
    ),
)
"""Keys of the window that asks what to compare with; enter reads it."""

ALL = (
    *(*GO, *APP, *SCREEN, *NAMESPACES, *TABLE, *TABS, NOTES, PROXY_LOG, *RELATED, TRACE, CHANGES),
    *(*WINDOW, *ASK, *SAVE, *PASTE, *REPORT_WINDOW, *COMPARE_WINDOW),
    *(*DRILL, *EXAM, *EDITOR, *ANSWER, *CHOOSE),
)
"""Every binding of the app; docs/keys.md lists them by id."""
