package io.ballast.console.grpc;

import io.ballast.console.mesh.ConsoleMesh;
import io.ballast.kit.runtime.Role;
import io.ballast.kit.telemetry.RecentSpans.EndedSpan;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import io.grpc.Context;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.opentelemetry.api.trace.Tracer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * The mesh as who asks the console may see it: calls show what the caller showed, not what this
 * process would.
 *
 * @param mesh as this process sees it
 */
public record AsCaller(ConsoleMesh mesh) implements ConsoleMesh {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private static final Context.Key<String> SHOWN = Context.key("ballast-console-caller");

  /**
   * Work whose calls show {@code authorization}.
   *
   * @param authorization the header, as it came; null: absent
   */
  public static <T> Callable<T> asking(@Nullable String authorization, Callable<T> work) {
    return authorization == null
        ? work
        : Context.current().withValue(SHOWN, authorization).wrap(work);
  }

  @Override
  public Channel peer(Role role) {
    return ClientInterceptors.intercept(mesh.peer(role), new Shown());
  }

  @Override
  public Place place(Role role) {
    return mesh.place(role);
  }

  @Override
  public Tracer tracer() {
    return mesh.tracer();
  }

  @Override
  public Optional<List<EndedSpan>> spans(String traceId) {
    return mesh.spans(traceId);
  }

  private static final class Shown implements ClientInterceptor {
    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(
        MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
      String shown = SHOWN.get();
      ClientCall<Q, A> call = next.newCall(method, options);
      return shown == null
          ? call
          : new SimpleForwardingClientCall<>(call) {
            @Override
            public void start(Listener<A> listener, Metadata headers) {
              headers.put(AUTHORIZATION, shown);
              super.start(listener, headers);
            }
          };
    }
  }
}
