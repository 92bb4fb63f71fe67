"""The admin of experiments: start one, see early whether it does harm, stop it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from ..models import Experiment, IndexVersion
from .base import ReadOnlyAdmin
from .experiment_report import report, standing
from .number_formats import badge, moment

State = IndexVersion.State

COMPLETE = (State.READY, State.RETIRED, State.ACTIVE)
ADD, CHANGE = "visualsearch.add_experiment", "visualsearch.change_experiment"


class ExperimentForm(forms.ModelForm):
    """A form with the share of visitors in percent, and a choice of complete versions.

    The active one is among them: an experiment with it tests ranking rules only.
    """

    percent = forms.DecimalField(
        label=_("Share in percent"),
        min_value=Decimal("0.1"),
        max_value=Decimal(100),
        decimal_places=1,
        initial=50,
        help_text=_("Percentage of visitors who get the treatment."),
    )

    class Meta:
        model = Experiment
        fields = ("name", "version", "ramp_hours")

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.share = self.instance.share_at(timezone.now())
        if self.instance.pk:
            self.initial["percent"] = Decimal(f"{100 * self.instance.share:.1f}")
            if "ramp_hours" in self.fields:
                self.fields["ramp_hours"].help_text = _(
                    "Counted from your change; a lower share applies at once."
                )
        choice: Any = self.fields.get("version")
        if choice is not None:
            choice.queryset = IndexVersion.objects.filter(state__in=COMPLETE)
            choice.required = True
            choice.label_from_instance = name_of

    def save(self, commit: bool = True) -> Experiment:
        """Save the experiment; if its share was changed, continue from the share reached so far.

        So no visitor loses the treatment when the share is raised.
        """
        changed = set(self.changed_data)
        if "percent" in changed or not self.instance.pk:
            self.instance.share = float(self.cleaned_data["percent"]) / 100
        if self.instance.pk and changed & {"percent", "ramp_hours"}:
            self.instance.go_on_from(self.share, timezone.now())
        return super().save(commit)


def name_of(version: IndexVersion) -> str:
    """Return the label of a version to choose as the treatment."""
    if version.state == State.ACTIVE:
        return gettext("the active version: test ranking rules only")
    return f"{version} – {version.encoder}"


@admin.register(Experiment)
class ExperimentAdmin(ReadOnlyAdmin):
    """Admin of experiments; one may run at a time, and the active version is its control."""

    form = ExperimentForm
    list_display = ["name", "state", "version", "share_now", "begun", "ended"]
    list_select_related = ["version"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether the user has the permission to add experiments.

        While an experiment is running, :meth:`add_view` rejects another one.
        """
        return request.user.has_perm(ADD)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user has the permission; only the running experiment can change."""
        return request.user.has_perm(CHANGE) and (obj is None or bool(obj.running))

    def get_urls(self) -> list[URLPattern]:
        """Return the default URLs and that of the stop button."""
        stop = self.admin_site.admin_view(require_POST(self.stop))
        name = "visualsearch_experiment_stop"
        return [path("<int:pk>/stop/", stop, name=name), *super().get_urls()]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Return the fields; ``version`` only in the form of a new experiment: it is final."""
        return ["name", *([] if obj else ["version"]), "percent", "ramp_hours"]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list, with a link to start an experiment if none is running."""
        running = Experiment.objects.filter(running=True).first()
        context = {"title": gettext("Experiments"), "running": running}
        return super().changelist_view(request, {**(extra_context or {}), **context})

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the form; redirect to the list with an error while an experiment is running."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if Experiment.objects.filter(running=True).exists():
            return self.refuse(request)
        context = {
            "title": gettext("Start an experiment"),
            "show_save_and_add_another": False,
            "show_save_and_continue": False,
            "nothing_to_try": not IndexVersion.objects.filter(state__in=COMPLETE).exists(),
        }
        try:
            return super().add_view(request, form_url, {**(extra_context or {}), **context})
        except IntegrityError:  # another user has just started one
            return self.refuse(request)

    def refuse(self, request: HttpRequest) -> HttpResponse:
        """Redirect to the list with an error: only one experiment may run."""
        text = gettext("An experiment is running. Stop it before you start another one.")
        self.message_user(request, text, messages.ERROR)
        return HttpResponseRedirect(self.url("visualsearch_experiment_changelist"))

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> Any:
        """Redirect to the page of the new experiment."""
        text = gettext("The experiment has started: some visitors now get version %(version)s.")
        self.message_user(request, text % {"version": obj.version_id}, messages.SUCCESS)
        return HttpResponseRedirect(self.url_of(obj))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the results so far, with a form while the experiment is running."""
        experiment = self.get_object(request, object_id)
        context: dict[str, Any] = {}
        if experiment is not None and self.has_view_permission(request, experiment):
            context = {
                **report(experiment),
                "title": experiment.name,
                "subtitle": None,
                "may_change": self.has_change_permission(request, experiment),
                "show_save_and_add_another": False,
                "show_save_and_continue": False,
            }
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **context}
        )

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Redirect to the page of the experiment."""
        text = gettext("Saved. %(share)s of visitors now get the treatment.")
        share = {"share": standing(obj)["share"]}
        self.message_user(request, text % share, messages.SUCCESS)
        return HttpResponseRedirect(self.url_of(obj))

    def stop(self, request: HttpRequest, pk: int) -> HttpResponse:
        """End the experiment; all visitors get the active version again."""
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied
        experiment = self.found(pk)
        if experiment.running:
            experiment.stop()
            text = gettext("The experiment has ended. All visitors get the active version again.")
            self.message_user(request, text, messages.SUCCESS)
        else:
            self.message_user(request, gettext("The experiment had already ended."), messages.INFO)
        return HttpResponseRedirect(self.url_of(experiment))

    @admin.display(description=_("state"), ordering="running")
    def state(self, experiment: Experiment) -> SafeString:
        """Return running or ended as a coloured badge."""
        return badge("busy", _("running")) if experiment.running else badge("quiet", _("ended"))

    @admin.display(description=_("share"))
    def share_now(self, experiment: Experiment) -> str:
        """Return the current share of visitors as text; of an ended experiment, the last one."""
        return str(standing(experiment)["share"])

    @admin.display(description=_("share in percent"))
    def percent(self, experiment: Experiment) -> str:
        """Return the share of visitors that the experiment grows to, as text."""
        return str(standing(experiment)["goal"])

    @admin.display(description=_("started"), ordering="started")
    def begun(self, experiment: Experiment) -> str:
        """Return when the experiment started."""
        return moment(experiment.started)

    @admin.display(description=_("stopped"), ordering="stopped")
    def ended(self, experiment: Experiment) -> str:
        """Return when the experiment ended."""
        return moment(experiment.stopped)
