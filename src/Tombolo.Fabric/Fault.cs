// SPDX-License-Identifier: MIT
namespace Tombolo.Fabric;

/// <summary>Something wrong in a file, where, and what to do about it.</summary>
/// <param name="File">The file, as it was named.</param>
/// <param name="Line">The line, from 1.</param>
/// <param name="Column">The column in characters, from 1.</param>
/// <param name="Sentence">One sentence: what, the value, the limit.</param>
public sealed record Fault(string File, int Line, int Column, string Sentence) : IComparable<Fault>
{
    /// <inheritdoc/>
    public int CompareTo(Fault? other) => other is null ? 1 : (Line, Column).CompareTo((other.Line, other.Column));

    /// <summary>The form that editors and terminals make a link of.</summary>
    public override string ToString() => $"{File}:{Line}:{Column}: {Sentence}";

    /// <summary>Orders by position.</summary>
    public static bool operator <(Fault left, Fault right) => left.CompareTo(right) < 0;
    /// <summary>Orders by position.</summary>
    public static bool operator >(Fault left, Fault right) => left.CompareTo(right) > 0;
    /// <summary>Orders by position.</summary>
    public static bool operator <=(Fault left, Fault right) => left.CompareTo(right) <= 0;
    /// <summary>Orders by position.</summary>
    public static bool operator >=(Fault left, Fault right) => left.CompareTo(right) >= 0;
}
