/** Holds the manifests to Kubernetes' rules that no schema knows, and to the code. */
@NullMarked
package io.ballast.k8s;

import org.jspecify.annotations.NullMarked;
