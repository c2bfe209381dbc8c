package io.ballast.kit.grpc;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.security.Principal;
import io.ballast.mesh.v1.RequestMetadata;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor.PrototypeMarshaller;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Refuses requests for a tenant that is not the caller's, before the service sees them, whatever
 * the service makes of their metadata; of any other it notes the tenant, for the logs: that of the
 * first request, where there are several.
 */
final class TenantFence implements ServerInterceptor {
  /** A request may hold another that has the metadata. */
  private static final int DEEPEST = 2;

  private final Map<String, List<FieldDescriptor>> paths = new ConcurrentHashMap<>();

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    Optional<Principal> bound =
        Principals.current().filter(principal -> principal.tenant().isPresent());
    List<FieldDescriptor> path =
        paths.computeIfAbsent(call.getMethodDescriptor().getFullMethodName(), method -> path(call));
    CallIdentity identity = CallIdentity.current();
    ServerCall.Listener<Q> listener = next.startCall(call, headers);
    if (path.isEmpty()) {
      return listener;
    }
    return new SimpleForwardingServerCallListener<>(listener) {
      private boolean refused;
      private boolean noted;

      @Override
      public void onMessage(Q message) {
        if (refused) {
          return;
        }
        String asked = tenant((Message) message, path);
        if (bound.isEmpty()) {
          if (!noted) {
            note(identity, asked);
            noted = true;
          }
          super.onMessage(message);
          return;
        }
        try {
          bound.get().requireTenant(asked);
        } catch (MeshException e) {
          refused = true;
          Doorkeeper.refuse(call, e);
          return;
        }
        super.onMessage(message);
      }

      @Override
      public void onHalfClose() {
        if (!refused) {
          super.onHalfClose();
        }
      }
    };
  }

  private static void note(@Nullable CallIdentity identity, String asked) {
    String tenant = asked.isEmpty() ? RequestContexts.DEFAULT_TENANT : asked;
    if (identity != null && Principal.isTenant(tenant)) {
      identity.tenant(tenant);
    }
  }

  /** The fields that lead to the metadata of a request; empty: it has none. */
  private static List<FieldDescriptor> path(ServerCall<?, ?> call) {
    return call.getMethodDescriptor().getRequestMarshaller() instanceof PrototypeMarshaller<?> known
            && known.getMessagePrototype() instanceof Message prototype
        ? path(prototype.getDescriptorForType(), DEEPEST)
        : List.of();
  }

  private static List<FieldDescriptor> path(Descriptor type, int deepest) {
    for (FieldDescriptor field : type.getFields()) {
      if (field.getJavaType() != FieldDescriptor.JavaType.MESSAGE || field.isRepeated()) {
        continue;
      }
      if (field.getMessageType().equals(RequestMetadata.getDescriptor())) {
        return List.of(field);
      }
      List<FieldDescriptor> below =
          deepest > 1 ? path(field.getMessageType(), deepest - 1) : List.of();
      if (!below.isEmpty()) {
        List<FieldDescriptor> whole = new ArrayList<>(List.of(field));
        whole.addAll(below);
        return whole;
      }
    }
    return List.of();
  }

  private static String tenant(Message message, List<FieldDescriptor> path) {
    Message at = message;
    for (FieldDescriptor field : path) {
      at = (Message) at.getField(field);
    }
    return ((RequestMetadata) at).getTenant();
  }
}
