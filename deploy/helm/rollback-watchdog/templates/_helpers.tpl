{{- define "rollback-watchdog.name" -}}
rollback-watchdog
{{- end -}}

{{- define "rollback-watchdog.selector" -}}
app.kubernetes.io/name: rollback-watchdog
{{- end -}}

{{- define "rollback-watchdog.labels" -}}
{{ include "rollback-watchdog.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "rollback-watchdog.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "rollback-watchdog.subject" -}}
- kind: ServiceAccount
  name: rollback-watchdog
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{- define "rollback-watchdog.priorityClassName" -}}
{{- if .Values.priorityClass.create }}rollback-watchdog{{ else }}{{ .Values.priorityClass.name }}{{ end -}}
{{- end -}}
