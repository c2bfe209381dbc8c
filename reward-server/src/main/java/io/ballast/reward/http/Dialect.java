package io.ballast.reward.http;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.reward.core.ScoreCommand;
import io.ballast.reward.grpc.ScoreCalls.Outcome;
import io.ballast.reward.grpc.ScoreCalls.Scored;
import java.util.List;
import java.util.Set;

/** What one kind of client sends and reads. */
interface Dialect {
  /** Where it posts to. */
  String path();

  /** What it calls the list of texts. */
  String texts();

  /** The parameters of the query that mean something. */
  Set<String> parameters();

  /** The fields of a body that {@link #read} looks at. */
  Set<String> fields(Options options);

  /**
   * What is asked.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming the field
   */
  ScoreCommand read(JsonBody body, Options options);

  /**
   * The answer.
   *
   * @param rewards one for each text
   */
  ObjectNode write(Scored scored, List<Outcome.Value> rewards);
}
