package io.ballast.safety.grpc;

import io.ballast.kit.call.Caller;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.kit.grpc.RequestContext;
import io.ballast.mesh.v1.RequestMetadata;
import java.util.function.Function;

/**
 * Reads who asks.
 *
 * @param contexts validates metadata and fills in defaults
 */
public record CallContexts(Function<RequestMetadata, RequestContext> contexts) {
  Caller caller(RequestMetadata metadata) {
    return MeshMessages.caller(contexts.apply(metadata));
  }
}
