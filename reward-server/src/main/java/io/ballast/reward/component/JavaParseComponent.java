package io.ballast.reward.component;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.Tree;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.Texts;
import io.ballast.reward.core.ComponentOutcome;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Whether the completion is Java: 1 if the JDK's parser takes it, 0 if not. Nothing of it is
 * compiled or run.
 *
 * @param form what the completion is
 */
public record JavaParseComponent(Form form) implements ItemComponent {
  private static final int SHOWN_CHARACTERS = 200;
  private static final String LEFT = "it closes what stands around it";
  private static final String NOTHING = "it says nothing";

  /** What a completion is, and so what stands around it when it is parsed. */
  public enum Form {
    /** A whole file. */
    FILE,
    /** The rest of a file that the prompt begins. */
    CONTINUATION,
    /** Members of a class: methods, fields, classes. */
    MEMBERS,
    /** Statements of a method. */
    STATEMENTS
  }

  static JavaParseComponent read(Settings settings) {
    return new JavaParseComponent(settings.choice("form", Form.FILE));
  }

  @Override
  public ComponentOutcome.Value judge(Candidate candidate, Judging judging) throws CannotJudge {
    String source = source(candidate);
    try {
      Optional<String> flaw = JavaSyntax.flaw(source, this::shapeFlaw);
      return new ComponentOutcome.Value(
          flaw.isPresent() ? 0 : 1,
          flaw.map(each -> Texts.asLine(each, SHOWN_CHARACTERS)).orElse("parses"));
    } catch (StackOverflowError e) {
      throw new CannotJudge(
          ItemFault.Reason.TOO_LONG,
          candidate.item().path() + ".completion: nested too deeply for the compiler");
    }
  }

  private String source(Candidate candidate) throws CannotJudge {
    String completion = candidate.completion();
    return switch (form) {
      case FILE -> completion;
      case CONTINUATION -> candidate.prompt() + completion;
      case MEMBERS -> "class C {" + completion + "\n}";
      case STATEMENTS -> "class C { Object m() throws Throwable {" + completion + "\n}}";
    };
  }

  /** One that says nothing is no Java, nor is one that closes what stands around it. */
  private @Nullable String shapeFlaw(CompilationUnitTree unit) {
    List<ClassTree> types =
        unit.getTypeDecls().stream()
            .filter(ClassTree.class::isInstance)
            .map(ClassTree.class::cast)
            .toList();
    if (types.isEmpty()) {
      return "it declares nothing";
    }
    return switch (form) {
      case FILE, CONTINUATION -> null;
      case MEMBERS -> types.size() > 1 ? LEFT : members(types.getFirst()) == 0 ? NOTHING : null;
      case STATEMENTS ->
          types.size() > 1 || members(types.getFirst()) > 1
              ? LEFT
              : isEmpty(types.getFirst().getMembers().getFirst()) ? NOTHING : null;
    };
  }

  private static int members(ClassTree type) {
    return type.getMembers().size();
  }

  private static boolean isEmpty(Tree member) {
    return member instanceof MethodTree method && method.getBody().getStatements().isEmpty();
  }
}
