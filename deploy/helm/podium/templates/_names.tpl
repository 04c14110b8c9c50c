{{- define "podium.name" -}}
{{- if contains "podium" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-podium" .Release.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "podium.selector" -}}
app.kubernetes.io/name: podium
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "podium.labels" -}}
{{ include "podium.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "podium.scheme" -}}
{{ if .Values.tls.secret }}https{{ else }}http{{ end }}
{{- end }}

{{- define "podium.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- /* Where models come from: one way, not two. */ -}}
{{- define "podium.checkModels" -}}
{{- $ways := list .Values.models.existingClaim .Values.models.image | compact | len -}}
{{- if gt $ways 1 }}{{ fail "models: give existingClaim or image, not both" }}{{ end -}}
{{- if and (eq $ways 0) (not .Values.models.claim.enabled) }}{{ fail "models: give existingClaim or image, or set claim.enabled" }}{{ end -}}
{{- end }}
