{{- /* Made by deploy/generate.py from the table of rights in src/watchdog/adapters/kubernetes/rights.py. */ -}}
{{- define "rollback-watchdog.rights.own" -}}
# Without: there are no records
- apiGroups: [""]
  resources: ["configmaps"]
  verbs: ["get", "list", "create", "update", "patch", "delete"]
# Without: it cannot know whether it leads, and does nothing
- apiGroups: ["coordination.k8s.io"]
  resources: ["leases"]
  verbs: ["create"]
# Without: it cannot know whether it leads, and does nothing
- apiGroups: ["coordination.k8s.io"]
  resources: ["leases"]
  resourceNames: ["rollback-watchdog", "rollback-watchdog-dry-run"]
  verbs: ["get", "update"]
{{- end -}}
{{- define "rollback-watchdog.rights.looking" -}}
# Without: there are no records
- apiGroups: [""]
  resources: ["configmaps"]
  verbs: ["get", "list"]
{{- end -}}
{{- define "rollback-watchdog.rights.reading" -}}
# Without: its switches are not seen; it is not looked at before it is acted on
- apiGroups: ["apps"]
  resources: ["deployments"]
  verbs: ["list", "watch", "get"]
# Without: its switches are not seen
- apiGroups: ["apps"]
  resources: ["replicasets"]
  verbs: ["list", "watch"]
# Without: its switches are not seen
- apiGroups: [""]
  resources: ["pods"]
  verbs: ["list", "watch"]
# Without: its switches are not seen; it is not looked at before it is acted on
- apiGroups: [""]
  resources: ["services"]
  verbs: ["list", "watch", "get"]
# Without: that something an old template needs is gone is not noticed before it is gone back to
- apiGroups: [""]
  resources: ["configmaps", "persistentvolumeclaims", "serviceaccounts"]
  verbs: ["get"]
{{- end -}}
{{- define "rollback-watchdog.rights.acting" -}}
# Without: a rollout is not undone
- apiGroups: ["apps"]
  resources: ["deployments"]
  verbs: ["patch"]
# Without: a flip is not put back
- apiGroups: [""]
  resources: ["services"]
  verbs: ["patch"]
# Without: kubectl describe does not show what was done
- apiGroups: ["events.k8s.io"]
  resources: ["events"]
  verbs: ["create"]
{{- end -}}
{{- define "rollback-watchdog.rights.scaling" -}}
# Without: a colour that is scaled down is not scaled up
- apiGroups: ["apps"]
  resources: ["deployments/scale"]
  verbs: ["patch"]
{{- end -}}
{{- define "rollback-watchdog.rights.gitops" -}}
# Without: whether it heals is not known before the undo; gitops = "suspend" cannot suspend it
- apiGroups: ["argoproj.io"]
  resources: ["applications"]
  verbs: ["get", "patch"]
# Without: whether it heals is not known before the undo; gitops = "suspend" cannot suspend it
- apiGroups: ["kustomize.toolkit.fluxcd.io"]
  resources: ["kustomizations"]
  verbs: ["get", "patch"]
# Without: whether it heals is not known before the undo; gitops = "suspend" cannot suspend it
- apiGroups: ["helm.toolkit.fluxcd.io"]
  resources: ["helmreleases"]
  verbs: ["get", "patch"]
{{- end -}}
{{- define "rollback-watchdog.rights.runners" -}}
# Without: that a Rollout or a Canary rolls a Deployment out is not known, unless the Deployment says so itself
- apiGroups: ["argoproj.io"]
  resources: ["rollouts"]
  verbs: ["list"]
# Without: that a Rollout or a Canary rolls a Deployment out is not known, unless the Deployment says so itself
- apiGroups: ["flagger.app"]
  resources: ["canaries"]
  verbs: ["list"]
{{- end -}}
{{- define "rollback-watchdog.rights.statefulset.reading" -}}
# Without: its switches are not seen; it is not looked at before it is acted on
- apiGroups: ["apps"]
  resources: ["statefulsets", "controllerrevisions"]
  verbs: ["list", "watch", "get"]
{{- end -}}
{{- define "rollback-watchdog.rights.daemonset.reading" -}}
# Without: its switches are not seen; it is not looked at before it is acted on
- apiGroups: ["apps"]
  resources: ["daemonsets", "controllerrevisions"]
  verbs: ["list", "watch", "get"]
{{- end -}}
{{- define "rollback-watchdog.rights.rollout.reading" -}}
# Without: its switches are not seen; it is not looked at before it is acted on
- apiGroups: ["argoproj.io"]
  resources: ["rollouts"]
  verbs: ["list", "watch", "get"]
{{- end -}}
{{- define "rollback-watchdog.rights.httproute.reading" -}}
# Without: its switches are not seen; it is not looked at before it is acted on
- apiGroups: ["gateway.networking.k8s.io"]
  resources: ["httproutes"]
  verbs: ["list", "watch", "get"]
{{- end -}}
{{- define "rollback-watchdog.rights.virtualservice.reading" -}}
# Without: its switches are not seen; it is not looked at before it is acted on
- apiGroups: ["networking.istio.io"]
  resources: ["virtualservices"]
  verbs: ["list", "watch", "get"]
# Without: its switches are not seen
- apiGroups: ["networking.istio.io"]
  resources: ["destinationrules"]
  verbs: ["list", "watch"]
{{- end -}}
{{- define "rollback-watchdog.rights.ingress.reading" -}}
# Without: its switches are not seen; it is not looked at before it is acted on
- apiGroups: ["networking.k8s.io"]
  resources: ["ingresses"]
  verbs: ["list", "watch", "get"]
{{- end -}}
{{- define "rollback-watchdog.rights.statefulset.acting" -}}
# Without: a rollout is not undone
- apiGroups: ["apps"]
  resources: ["statefulsets"]
  verbs: ["patch"]
{{- end -}}
{{- define "rollback-watchdog.rights.daemonset.acting" -}}
# Without: a rollout is not undone
- apiGroups: ["apps"]
  resources: ["daemonsets"]
  verbs: ["patch"]
{{- end -}}
{{- define "rollback-watchdog.rights.rollout.acting" -}}
# Without: a Rollout is not aborted
- apiGroups: ["argoproj.io"]
  resources: ["rollouts/status"]
  verbs: ["patch"]
{{- end -}}
{{- define "rollback-watchdog.rights.httproute.acting" -}}
# Without: its weights are not put back
- apiGroups: ["gateway.networking.k8s.io"]
  resources: ["httproutes"]
  verbs: ["patch"]
{{- end -}}
{{- define "rollback-watchdog.rights.virtualservice.acting" -}}
# Without: its weights are not put back
- apiGroups: ["networking.istio.io"]
  resources: ["virtualservices"]
  verbs: ["patch"]
{{- end -}}
{{- define "rollback-watchdog.rights.ingress.acting" -}}
# Without: its weights are not put back
- apiGroups: ["networking.k8s.io"]
  resources: ["ingresses"]
  verbs: ["patch"]
{{- end -}}
