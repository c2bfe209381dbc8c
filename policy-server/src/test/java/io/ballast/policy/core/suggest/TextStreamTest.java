package io.ballast.policy.core.suggest;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.api.TokenIds;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** A reader that falls behind pauses what it reads, and loses nothing of it. */
class TextStreamTest {
  private static final class Handle implements GenerationHandle {
    final CompletableFuture<Generation> result = new CompletableFuture<>();
    final List<String> calls = new ArrayList<>();
    private boolean paused;

    @Override
    public CompletableFuture<Generation> result() {
      return result;
    }

    @Override
    public void cancel() {}

    @Override
    public void pause() {
      paused = true;
      calls.add("pause");
    }

    @Override
    public void resume() {
      if (paused) {
        paused = false;
        calls.add("resume");
      }
    }

    void end() {
      PerToken none = PerToken.of();
      result.complete(
          new Generation(TokenIds.of(), TokenIds.of(), "", none, none, StopReason.MAX_TOKENS));
    }
  }

  @Test
  void everyPieceArrivesInOrder() {
    TextStream stream = new TextStream();
    Handle handle = new Handle();
    List.of("a", "", "b", "c").forEach(stream::add);
    handle.end();
    List<String> read = new ArrayList<>();
    stream.forward(handle, read::add);
    assertThat(read).containsExactly("a", "b", "c");
    assertThat(handle.calls).isEmpty();
  }

  @Test
  void aReaderThatFallsBehindPausesAndResumesOnceItHasCaughtUp() {
    TextStream stream = new TextStream();
    Handle handle = new Handle();
    List<String> read = new ArrayList<>();
    List<Integer> resumedAfter = new ArrayList<>();
    stream.add("first");
    stream.forward(
        handle,
        delta -> {
          if (read.isEmpty()) { // while the reader is stuck here, the engine goes on
            for (int i = 1; i <= TextStream.PAUSE_AT; i++) {
              assertThat(handle.calls).isEmpty();
              stream.add("more" + i);
            }
            assertThat(handle.calls).containsExactly("pause");
            handle.end();
          }
          read.add(delta);
          if (handle.calls.size() == 2 && resumedAfter.isEmpty()) {
            resumedAfter.add(read.size());
          }
        });
    assertThat(read).hasSize(1 + TextStream.PAUSE_AT);
    assertThat(handle.calls).containsExactly("pause", "resume");
    assertThat(resumedAfter.getFirst()).isGreaterThan(10);
  }
}
