/** Audit trails over gRPC. */
@NullMarked
package io.ballast.kit.audit.grpc;

import org.jspecify.annotations.NullMarked;
