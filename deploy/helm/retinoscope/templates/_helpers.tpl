{{- define "retinoscope.name" -}}
{{- printf "%s" .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "retinoscope.labels" -}}
app.kubernetes.io/name: retinoscope
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "retinoscope.selector" -}}
app.kubernetes.io/name: retinoscope
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "retinoscope.image" -}}
{{ .image.repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{- define "retinoscope.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (include "retinoscope.name" .) }}
{{- end }}

{{/* What every pod has: no root, no privileges, nothing to write but what is mounted. */}}
{{- define "retinoscope.pod" -}}
serviceAccountName: {{ include "retinoscope.serviceAccount" .root }}
automountServiceAccountToken: {{ .token | default false }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.images.pullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "retinoscope.container" -}}
image: {{ include "retinoscope.image" . }}
imagePullPolicy: {{ .image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
envFrom:
  - secretRef: {name: {{ .root.Values.environmentSecret }}}
env:
  - {name: RETINOSCOPE_ARTIFACTS_URL, value: {{ required "artifactsUrl is missing: s3://BUCKET/PREFIX, gs://… or az://…" .root.Values.artifactsUrl | quote }}}
{{- range $name, $value := .root.Values.settings }}
  - {name: RETINOSCOPE_{{ $name }}, value: {{ $value | toString | quote }}}
{{- end }}
{{- range $name, $value := .root.Values.environment }}
  - {name: {{ $name }}, value: {{ $value | toString | quote }}}
{{- end }}
{{- end }}
