// SPDX-License-Identifier: MIT
namespace Tombolo.Fabric;

/// <summary>Finds what somebody may have meant.</summary>
public static class Nearest
{
    /// <summary>The known word with the fewest changed letters.</summary>
    /// <param name="word">What was written.</param>
    /// <param name="known">What could have been.</param>
    /// <returns>Null where every one differs in more than a third of its letters, and at least two.</returns>
    public static string? To(string word, IEnumerable<string> known) =>
        known.Select(one => (Word: one, Changes: Distance(word, one)))
            .Where(one => one.Changes <= Math.Max(2, one.Word.Length / 3) && one.Changes < one.Word.Length)
            .OrderBy(one => one.Changes).ThenBy(one => one.Word, StringComparer.Ordinal)
            .Select(one => one.Word).FirstOrDefault();

    // Levenshtein's distance, one row at a time.
    private static int Distance(string left, string right)
    {
        int[] row = [.. Enumerable.Range(0, right.Length + 1)];
        for (int i = 1; i <= left.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= right.Length; j++)
            {
                int above = row[j];
                row[j] = Math.Min(Math.Min(row[j - 1], above) + 1, diagonal + (left[i - 1] == right[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }
        return row[^1];
    }
}
