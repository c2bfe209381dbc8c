// Command schemas writes strict JSON schemas, as kubeconform reads them, of the kinds that modules.txt lists, and their
// CustomResourceDefinitions as they are. A field that a schema does not know is a mistake in them, as it is to kubectl with --validate=strict.
//
//	schemas MODULES OUT
//
// OUT/kinds/GROUP_KIND_VERSION.json are the schemas, OUT/crds/GROUP_KINDS.yaml the definitions.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

// object is a schema, or any other JSON object.
type object = map[string]any

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: schemas MODULES OUT"))
	}
	fail(run(os.Args[1], os.Args[2]))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "schemas:", err)
		os.Exit(1)
	}
}

func run(list, out string) error {
	text, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	for _, folder := range []string{"kinds", "crds"} {
		if err := os.MkdirAll(filepath.Join(out, folder), 0o755); err != nil {
			return err
		}
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) != 4 {
			return fmt.Errorf("%s: %q (expected: module version checksum path)", list, line)
		}
		folder, err := download(fields[0]+"@"+fields[1], fields[2])
		if err != nil {
			return err
		}
		if err := read(filepath.Join(folder, fields[3]), out); err != nil {
			return fmt.Errorf("%s: %w", fields[0], err)
		}
	}
	return nil
}

// download brings a module by the go command and returns its folder.
func download(module, sum string) (string, error) {
	command := exec.Command("go", "mod", "download", "-json", module)
	command.Dir = os.TempDir() // of no module
	said, err := command.Output()
	var answer struct{ Dir, Sum, Error string }
	if json.Unmarshal(said, &answer) != nil || answer.Error != "" || err != nil {
		return "", fmt.Errorf("%s cannot be had: %v %s", module, err, answer.Error)
	}
	if answer.Sum != sum {
		return "", fmt.Errorf("%s: checksum %s (expected: %s)", module, answer.Sum, sum)
	}
	return answer.Dir, nil
}

// read takes Kubernetes' own description, a file of definitions or a folder of such.
func read(path, out string) error {
	if filepath.Ext(path) == ".json" {
		return builtIn(path, out)
	}
	files := []string{path}
	if info, err := os.Stat(path); err != nil {
		return err
	} else if info.IsDir() {
		if files, err = filepath.Glob(filepath.Join(path, "*.yaml")); err != nil {
			return err
		}
	}
	for _, file := range files {
		if err := definitions(file, out); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

func definitions(file, out string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for _, document := range bytes.Split(text, []byte("\n---\n")) {
		var crd struct {
			Kind string `json:"kind"`
			Spec struct {
				Group    string `json:"group"`
				Names    struct{ Kind, Plural string }
				Versions []struct {
					Name   string `json:"name"`
					Schema struct {
						OpenAPIV3Schema object `json:"openAPIV3Schema"`
					} `json:"schema"`
				} `json:"versions"`
			} `json:"spec"`
		}
		if err := yaml.Unmarshal(document, &crd); err != nil {
			return err
		}
		if crd.Kind != "CustomResourceDefinition" {
			continue
		}
		for _, version := range crd.Spec.Versions {
			schema := version.Schema.OpenAPIV3Schema
			properties, _ := schema["properties"].(object)
			if properties == nil {
				return fmt.Errorf("%s %s has no schema", crd.Spec.Names.Kind, version.Name)
			}
			strict(schema)
			properties["metadata"] = object{"type": "object"}
			if err := write(out, schema, crd.Spec.Group, crd.Spec.Names.Kind, version.Name); err != nil {
				return err
			}
		}
		name := filepath.Join(out, "crds", crd.Spec.Group+"_"+crd.Spec.Names.Plural+".yaml")
		if err := os.WriteFile(name, document, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func builtIn(file, out string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var swagger struct {
		Definitions map[string]object `json:"definitions"`
	}
	if err := json.Unmarshal(text, &swagger); err != nil {
		return err
	}
	for name, schema := range swagger.Definitions {
		strict(schema)
		switch name[strings.LastIndex(name, ".")+1:] {
		case "Quantity":
			swagger.Definitions[name] = object{"type": []string{"string", "number"}}
		case "IntOrString":
			swagger.Definitions[name] = intOrString()
		}
	}
	for name, schema := range swagger.Definitions {
		kinds, _ := schema["x-kubernetes-group-version-kind"].([]any)
		if len(kinds) != 1 { // of all groups, such as DeleteOptions: nothing that a manifest holds
			continue
		}
		kind := kinds[0].(object)
		needed := map[string]object{}
		references(object{"$ref": "#/definitions/" + name}, swagger.Definitions, needed)
		whole := object{"$ref": "#/definitions/" + name, "definitions": needed, "required": []string{"apiVersion", "kind"}}
		if err := write(out, whole, asString(kind["group"]), asString(kind["kind"]), asString(kind["version"])); err != nil {
			return err
		}
	}
	return nil
}

func asString(value any) string {
	text, _ := value.(string)
	return text
}

// references adds to found all definitions that node needs.
func references(node any, all, found map[string]object) {
	switch node := node.(type) {
	case object:
		if name, ok := strings.CutPrefix(asString(node["$ref"]), "#/definitions/"); ok && found[name] == nil {
			found[name] = all[name]
			references(all[name], all, found)
		}
		for _, value := range node {
			references(value, all, found)
		}
	case []any:
		for _, value := range node {
			references(value, all, found)
		}
	}
}

func intOrString() object {
	return object{"type": []string{"string", "integer"}}
}

// strict turns an OpenAPI schema into a JSON schema that takes no field which it does not know.
func strict(schema object) {
	delete(schema, "description")
	delete(schema, "default")
	delete(schema, "example")
	if schema["x-kubernetes-int-or-string"] == true || schema["format"] == "int-or-string" {
		for key := range schema {
			delete(schema, key)
		}
		schema["type"] = intOrString()["type"]
		return
	}
	open := schema["x-kubernetes-preserve-unknown-fields"] == true
	if properties, ok := schema["properties"].(object); ok {
		for _, property := range properties {
			strict(property.(object))
		}
		if _, said := schema["additionalProperties"]; !said && !open {
			schema["additionalProperties"] = false
		}
	}
	if schema["x-kubernetes-embedded-resource"] == true { // apiVersion, kind, metadata are not listed
		delete(schema, "additionalProperties")
	}
	for _, key := range []string{"items", "additionalProperties", "not"} {
		if inner, ok := schema[key].(object); ok {
			strict(inner)
		}
	}
	// what these add to a type holds beside it and lists no other fields
	if schema["nullable"] == true {
		if kind := asString(schema["type"]); kind != "" {
			schema["type"] = []string{kind, "null"}
		}
	}
}

func write(out string, schema object, group, kind, version string) error {
	text, err := json.Marshal(schema)
	if err != nil {
		return err
	}
	if group == "" { // as kubeconform calls the group that has no name
		group = version
	}
	name := strings.ToLower(strings.Join([]string{group, kind, version}, "_")) + ".json"
	return os.WriteFile(filepath.Join(out, "kinds", name), text, 0o644)
}
