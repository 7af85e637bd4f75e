// SPDX-License-Identifier: MIT
using System.Globalization;

namespace Tombolo.Exercise;

/// <summary>Finds whom the words of a command line mean.</summary>
internal static class Targets
{
    /// <summary>Resolves words: an ID, a node name, "server" (or "switch"), "all" (every other client that shows a name).</summary>
    /// <param name="words">At least one.</param>
    /// <param name="neighbours">Who is there now.</param>
    /// <param name="missing">Where null is returned: what is not there.</param>
    /// <returns>Each target once, by ID; null where one is not there yet.</returns>
    public static IReadOnlyList<Neighbour>? Resolve(IReadOnlyList<string> words, IReadOnlyList<Neighbour> neighbours, out string missing)
    {
        var found = new SortedDictionary<int, Neighbour>();
        missing = "";
        foreach (string word in words)
        {
            Neighbour[] meant = [.. neighbours.Where(neighbour => IsMeant(word, neighbour))];
            if (meant.Length == 0) { missing = word; return null; }
            foreach (Neighbour neighbour in meant) found[neighbour.Id] = neighbour;
        }
        return [.. found.Values];
    }

    private static bool IsMeant(string word, Neighbour neighbour) => word switch
    {
        "all" => !neighbour.IsServer && neighbour.Name.Length > 0,
        "server" or "switch" => neighbour.IsServer,
        _ => neighbour.Name == word || (int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int id) && id == neighbour.Id),
    };
}
