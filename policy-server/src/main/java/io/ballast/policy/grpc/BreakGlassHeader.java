package io.ballast.policy.grpc;

import io.grpc.BindableService;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import org.jspecify.annotations.Nullable;

/**
 * The header that carries the break-glass secret. It is no field of the request, so that it stays
 * out of whatever is made of requests.
 */
public final class BreakGlassHeader {
  private static final Metadata.Key<String> HEADER =
      Metadata.Key.of("x-ballast-break-glass", Metadata.ASCII_STRING_MARSHALLER);
  private static final Context.Key<String> GIVEN = Context.key("break-glass");

  private BreakGlassHeader() {}

  /** Lets a service read the header of the call that it answers. */
  public static BindableService readBy(BindableService service) {
    return () -> ServerInterceptors.intercept(service, new Reader());
  }

  /** What the present call carries, if anything. */
  static @Nullable String current() {
    return GIVEN.get();
  }

  private static final class Reader implements ServerInterceptor {
    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      String given = headers.get(HEADER);
      return given == null
          ? next.startCall(call, headers)
          : Contexts.interceptCall(Context.current().withValue(GIVEN, given), call, headers, next);
    }
  }
}
