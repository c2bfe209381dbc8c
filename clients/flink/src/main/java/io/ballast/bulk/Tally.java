package io.ballast.bulk;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.util.Collector;

/**
 * Counts what passes, for the progress that is told, and hands on the lines. Rows are counted over
 * all starts, other things since the last.
 */
final class Tally extends RichFlatMapFunction<ScoredBatch, String> implements CheckpointedFunction {
  private static final long serialVersionUID = 1;

  private transient Map<String, LongCounter> counters;
  private transient ListState<Long> rowsState;
  private transient long rows;

  @SuppressWarnings("NullAway.Init") // initializeState() follows
  Tally() {}

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    counters = new HashMap<>();
    rowsState =
        context.getOperatorStateStore().getListState(new ListStateDescriptor<>("rows", Types.LONG));
    rows = 0;
    for (long before : rowsState.get()) {
      rows += before;
    }
    add(ScoredRows.ROWS, rows);
  }

  @Override
  public void snapshotState(FunctionSnapshotContext context) throws Exception {
    rowsState.update(List.of(rows));
  }

  @Override
  public void flatMap(ScoredBatch batch, Collector<String> out) {
    batch.lines().forEach(out::collect);
    batch.counts().forEach(this::add);
    rows += batch.lines().size();
  }

  private void add(String name, long count) {
    counters
        .computeIfAbsent(
            name,
            absent -> {
              LongCounter counter = new LongCounter();
              getRuntimeContext().addAccumulator(absent, counter);
              return counter;
            })
        .add(count);
  }
}
