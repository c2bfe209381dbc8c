package io.ballast.inference.remote;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Bytes plus 1 as in {@link ByteTokenizer}, a token for the pair "ab", one that begins each text,
 * written {@code <s>}, and a mark, written {@code <m>}. The last two stand for no bytes.
 */
final class MarkedTokenizer implements Tokenizer {
  static final int PAIR = 257;
  static final int BEGINNING = 258;
  static final int MARK = 259;

  @Override
  public TokenIds encode(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
    List<Integer> ids = new ArrayList<>();
    for (int i = 0; i < bytes.length; ) {
      String rest = text.substring(i);
      int id =
          rest.startsWith("<s>")
              ? BEGINNING
              : rest.startsWith("<m>") ? MARK : rest.startsWith("ab") ? PAIR : bytes[i] + 1;
      ids.add(id);
      i += id == PAIR ? 2 : id > PAIR ? 3 : 1;
    }
    return TokenIds.of(ids.stream().mapToInt(Integer::intValue).toArray());
  }

  @Override
  public String decode(TokenIds tokens) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int i = 0; i < tokens.size(); i++) {
      bytes.writeBytes(bytesOf(tokens.get(i)));
    }
    return bytes.toString(StandardCharsets.ISO_8859_1);
  }

  @Override
  public byte[] bytesOf(int id) {
    return switch (id) {
      case 0, BEGINNING, MARK -> new byte[0];
      case PAIR -> new byte[] {'a', 'b'};
      default -> new byte[] {(byte) (id - 1)};
    };
  }

  @Override
  public int vocabularySize() {
    return 260;
  }

  @Override
  public int endOfTextId() {
    return 0;
  }

  @Override
  public TokenIds beginning() {
    return TokenIds.of(BEGINNING);
  }
}
