// SPDX-License-Identifier: MIT
using System.Globalization;

namespace Tombolo.Grants;

/// <summary>References as text: runs of numbers that follow each other, such as <c>8+133,200</c>.</summary>
internal static class ReferenceRuns
{
    private const int Most = 1 << 20;

    public static string Of(IReadOnlyList<GrantRef> references)
    {
        List<string> runs = [];
        for (int start = 0, end; start < references.Count; start = end)
        {
            for (end = start + 1; end < references.Count && references[end].Value == references[end - 1].Value + 1;) end++;
            runs.Add(end - start == 1 ? references[start].ToString() : string.Create(CultureInfo.InvariantCulture, $"{references[start]}+{end - start}"));
        }
        return string.Join(',', runs);
    }

    public static bool TryRead(string text, out IReadOnlyList<GrantRef> references)
    {
        List<GrantRef> found = [];
        references = found;
        foreach (string run in text.Split(','))
        {
            string[] parts = run.Split('+');
            if (parts.Length > 2 || !uint.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out uint first)) return false;
            uint count = 1;
            if (parts.Length == 2 && (!uint.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out count) || count == 0)) return false;
            if (count > Most - found.Count || first > uint.MaxValue - count) return false;
            for (uint at = 0; at < count; at++) found.Add(new(first + at));
        }
        return found.Count > 0;
    }
}
