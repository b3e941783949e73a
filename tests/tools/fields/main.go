// Command fields prints the table of fields that src/engine/lint/fields.txt holds: which fields each built-in kind of
// Kubernetes has, read off the types of k8s.io/api by reflection. `make fields` writes the file.
//
// A line `kind GROUP/VERSION KIND TYPE` names the type of a kind, a line `type TYPE FIELD=TYPE …` its fields. A field's
// type is another TYPE, `[]` and the type of a list's elements, `{}` and the type of a mapping's values, or a scalar:
// string, boolean, integer, number, scalar (a string or a number), any (whatever JSON there is).
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"sort"
	"strings"

	admission "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	appsv1beta1 "k8s.io/api/apps/v1beta1"
	appsv1beta2 "k8s.io/api/apps/v1beta2"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	batchv1beta1 "k8s.io/api/batch/v1beta1"
	certificatesv1 "k8s.io/api/certificates/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	extensionsv1beta1 "k8s.io/api/extensions/v1beta1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	networkingv1 "k8s.io/api/networking/v1"
	networkingv1beta1 "k8s.io/api/networking/v1beta1"
	nodev1 "k8s.io/api/node/v1"
	policyv1 "k8s.io/api/policy/v1"
	policyv1beta1 "k8s.io/api/policy/v1beta1"
	rbacv1 "k8s.io/api/rbac/v1"
	rbacv1beta1 "k8s.io/api/rbac/v1beta1"
	resourcev1 "k8s.io/api/resource/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Groups and versions whose kinds people write policies for. Old versions are here so that a policy which reads what
// only they have is not told that the field does not exist.
var groups = []func(*runtime.Scheme) error{
	admissionregistrationv1.AddToScheme,
	appsv1.AddToScheme, appsv1beta1.AddToScheme, appsv1beta2.AddToScheme,
	autoscalingv1.AddToScheme, autoscalingv2.AddToScheme,
	batchv1.AddToScheme, batchv1beta1.AddToScheme,
	certificatesv1.AddToScheme,
	coordinationv1.AddToScheme,
	corev1.AddToScheme,
	discoveryv1.AddToScheme,
	extensionsv1beta1.AddToScheme,
	flowcontrolv1.AddToScheme,
	networkingv1.AddToScheme, networkingv1beta1.AddToScheme,
	nodev1.AddToScheme,
	policyv1.AddToScheme, policyv1beta1.AddToScheme,
	rbacv1.AddToScheme, rbacv1beta1.AddToScheme,
	resourcev1.AddToScheme,
	schedulingv1.AddToScheme,
	storagev1.AddToScheme,
}

// What a type is in JSON where its Go structure does not tell.
var special = map[reflect.Type]string{
	reflect.TypeFor[metav1.Time]():          "string",
	reflect.TypeFor[metav1.MicroTime]():     "string",
	reflect.TypeFor[metav1.Duration]():      "string",
	reflect.TypeFor[resource.Quantity]():    "scalar",
	reflect.TypeFor[intstr.IntOrString]():   "scalar",
	reflect.TypeFor[runtime.RawExtension](): "any",
	reflect.TypeFor[runtime.Unknown]():      "any",
	reflect.TypeFor[metav1.FieldsV1]():      "any",
}

// table names the structures met so far.
type table struct {
	names map[reflect.Type]string
	taken map[string]reflect.Type
	lines []string
}

func main() {
	var out bytes.Buffer
	if err := write(&out); err != nil {
		fmt.Fprintln(os.Stderr, "fields:", err)
		os.Exit(1)
	}
	os.Stdout.Write(out.Bytes())
}

func write(out io.Writer) error {
	scheme := runtime.NewScheme()
	for _, add := range groups {
		if err := add(scheme); err != nil {
			return err
		}
	}
	table := table{names: map[reflect.Type]string{}, taken: map[string]reflect.Type{}}
	var kinds []string
	for _, known := range sorted(scheme) {
		name, err := table.name(known.goType)
		if err != nil {
			return fmt.Errorf("%v: %w", known.kind, err)
		}
		version := known.kind.GroupVersion().String()
		if known.kind.Group == "" {
			version = "/" + version
		}
		kinds = append(kinds, fmt.Sprintf("kind %s %s %s", version, known.kind.Kind, name))
	}
	if _, err := table.name(reflect.TypeFor[admission.AdmissionRequest]()); err != nil {
		return err
	}
	sort.Strings(table.lines)
	buffered := bufio.NewWriter(out)
	fmt.Fprintln(buffered, "# Fields of the built-in kinds of Kubernetes. Generated: see tests/tools/fields/main.go.")
	for _, line := range slices.Concat(kinds, table.lines) {
		fmt.Fprintln(buffered, line)
	}
	return buffered.Flush()
}

type known struct {
	kind   schema.GroupVersionKind
	goType reflect.Type
}

// sorted gives the kinds that are objects of their own: not lists, options and the like. Those of current versions come
// first, so that they get the plain names.
func sorted(scheme *runtime.Scheme) []known {
	var all []known
	for kind, goType := range scheme.AllKnownTypes() {
		_, isObject := reflect.New(goType).Interface().(metav1.Object)
		if isObject && kind.Version != runtime.APIVersionInternal {
			all = append(all, known{kind, goType})
		}
	}
	slices.SortFunc(all, func(a, b known) int {
		older := func(k known) string { return fmt.Sprint(strings.Contains(k.kind.Version, "beta"), k.kind) }
		return strings.Compare(older(a), older(b))
	})
	return all
}

// name gives what the table calls a type, and describes a structure met for the first time.
func (t *table) name(of reflect.Type) (string, error) {
	if name, ok := special[of]; ok {
		return name, nil
	}
	switch of.Kind() {
	case reflect.Pointer:
		return t.name(of.Elem())
	case reflect.String:
		return "string", nil
	case reflect.Bool:
		return "boolean", nil
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint8, reflect.Uint32, reflect.Uint64:
		return "integer", nil
	case reflect.Float64:
		return "number", nil
	case reflect.Slice:
		if of.Elem().Kind() == reflect.Uint8 {
			return "string", nil // base64
		}
		element, err := t.name(of.Elem())
		return "[]" + element, err
	case reflect.Map:
		value, err := t.name(of.Elem())
		return "{}" + value, err
	case reflect.Struct:
		return t.structure(of)
	default:
		return "", fmt.Errorf("%v is of a kind that JSON does not have", of)
	}
}

func (t *table) structure(of reflect.Type) (string, error) {
	if name, ok := t.names[of]; ok {
		return name, nil
	}
	if reflect.PointerTo(of).Implements(reflect.TypeFor[interface{ MarshalJSON() ([]byte, error) }]()) {
		return "", fmt.Errorf("%v writes its own JSON: say in `special` what it is", of)
	}
	name := of.Name()
	if _, isTaken := t.taken[name]; isTaken {
		parts := strings.Split(of.PkgPath(), "/")
		name = strings.Join(append(parts[len(parts)-2:], name), ".")
	}
	if other, isTaken := t.taken[name]; isTaken {
		return "", fmt.Errorf("%v and %v would have one name", of, other)
	}
	// Named before its fields are looked at: they may lead back to it.
	t.names[of], t.taken[name] = name, of
	fields := map[string]string{}
	if err := t.collect(of, fields); err != nil {
		return "", err
	}
	line := "type " + name
	for _, field := range slices.Sorted(keys(fields)) {
		line += " " + field + "=" + fields[field]
	}
	t.lines = append(t.lines, line)
	return name, nil
}

// collect adds the fields of a structure, those of structures embedded in it included.
func (t *table) collect(of reflect.Type, fields map[string]string) error {
	for field := range of.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" || !field.IsExported() {
			continue
		}
		if strings.Contains(options, "inline") || (field.Anonymous && name == "") {
			if err := t.collect(field.Type, fields); err != nil {
				return err
			}
			continue
		}
		if name == "" {
			return fmt.Errorf("field %s of %v has no name in JSON", field.Name, of)
		}
		value, err := t.name(field.Type)
		if err != nil {
			return err
		}
		fields[name] = value
	}
	return nil
}

func keys(fields map[string]string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for key := range fields {
			if !yield(key) {
				return
			}
		}
	}
}
