package io.ballast.kit.batching;

import io.ballast.kit.call.CallPatience;
import java.util.List;

/**
 * Runs batches. Thread-safe: workers of a queue share it.
 *
 * @param <K> what the items of a group share
 * @param <I> one piece of work
 * @param <R> what comes of one piece of work: a value or a typed refusal
 */
public interface BatchEngine<K, I, R> extends AutoCloseable {
  /**
   * Runs a batch; keys differ from one another.
   *
   * @param callers those who wait for the batch, as one: they have left when none of them waits any
   *     more. What is run after that is for nobody, and may end with any exception
   * @return shape [groups][items of each]
   * @throws io.ballast.kit.error.MeshException if nothing can be run now, whatever it is: the whole
   *     batch fails with it. After any other exception each group is run alone
   */
  List<List<R>> run(List<BatchGroup<K, I>> groups, CallPatience callers);

  @Override
  void close();
}
