// SPDX-License-Identifier: MIT
using System.Globalization;

namespace Tombolo.Channels;

/// <summary>What sort of thing a party is.</summary>
public enum PartyKind
{
    /// <summary>Nobody.</summary>
    None,
    /// <summary>A process of this host: number = process id, birth = its start time in clock ticks since boot.</summary>
    Process,
    /// <summary>A peer of a fabric: number = its ID, birth = a number it chose when it began.</summary>
    Peer,
    /// <summary>A Xen domain: number = its ID, birth = a number it chose when it began.</summary>
    Domain,
}

/// <summary>Names one party for ever, in one word, so that a single compare-and-exchange says who holds something. 0: nobody.</summary>
/// <param name="Value">The word as it stands in memory: bits 63–62 kind, 61–40 number, 39–0 birth.</param>
/// <remarks>A successor with the same process id or peer ID is another party: its birth differs. Source: docs/specs/channels.md, "Parties".</remarks>
public readonly record struct PartyId(ulong Value)
{
    private const int KindShift = 62, NumberShift = 40;

    /// <summary>The largest number: the kernel's limit of process ids (PID_MAX_LIMIT, 2^22), less one.</summary>
    public const int MaxNumber = (1 << (KindShift - NumberShift)) - 1;

    /// <summary>Births are counted modulo this: 348 years of clock ticks.</summary>
    public const long BirthLimit = 1L << NumberShift;

    /// <summary>Makes an identity.</summary>
    /// <param name="kind">What it is.</param>
    /// <param name="number">0..<see cref="MaxNumber"/>.</param>
    /// <param name="birth">Taken modulo <see cref="BirthLimit"/>.</param>
    public static PartyId Of(PartyKind kind, int number, long birth)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, MaxNumber);
        return new(((ulong)kind << KindShift) | ((ulong)number << NumberShift) | ((ulong)birth & (BirthLimit - 1)));
    }

    /// <summary>True for 0.</summary>
    public bool IsNobody => Value == 0;

    /// <summary>What it is.</summary>
    public PartyKind Kind => (PartyKind)(Value >> KindShift);

    /// <summary>Its process id, peer ID or domain ID.</summary>
    public int Number => (int)(Value >> NumberShift) & MaxNumber;

    /// <summary>What tells it from an earlier one with the same number.</summary>
    public long Birth => (long)(Value & (BirthLimit - 1));

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        PartyKind.Process => string.Create(CultureInfo.InvariantCulture, $"process {Number}"),
        PartyKind.Peer => string.Create(CultureInfo.InvariantCulture, $"peer {Number}"),
        PartyKind.Domain => string.Create(CultureInfo.InvariantCulture, $"domain {Number}"),
        _ => "nobody",
    };
}
