/** What the pages of docs/users show in Java, run by their test. */
@NullMarked
package io.ballast.example;

import org.jspecify.annotations.NullMarked;
