package io.ballast.policy.adapter;

import com.google.common.util.concurrent.FutureCallback;
import com.google.common.util.concurrent.Futures;
import com.google.common.util.concurrent.ListenableFuture;
import com.google.common.util.concurrent.MoreExecutors;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/** Calls to peers that run while the caller does something else. */
final class PeerCalls {
  private PeerCalls() {}

  /**
   * Returns what {@code call} answers, read by {@code reader}; fails with a {@link
   * io.ballast.policy.core.suggest.PeerUnavailableException} of {@code peer}.
   */
  static <A, T> CompletableFuture<T> read(
      String peer, ListenableFuture<A> call, Function<A, T> reader) {
    CompletableFuture<T> result = new CompletableFuture<>();
    Futures.addCallback(
        call,
        new FutureCallback<A>() {
          @Override
          public void onSuccess(A answer) {
            try {
              result.complete(reader.apply(answer));
            } catch (RuntimeException e) {
              result.completeExceptionally(e);
            }
          }

          @Override
          public void onFailure(Throwable failure) {
            result.completeExceptionally(PeerMessages.unavailable(peer, failure));
          }
        },
        MoreExecutors.directExecutor());
    return result;
  }
}
