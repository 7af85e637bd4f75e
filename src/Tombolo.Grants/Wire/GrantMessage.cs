// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Wire;

namespace Tombolo.Grants;

/// <summary>What a host process asks of the grants' server. Source: docs/specs/grants.md.</summary>
public enum GrantOperation : uint
{
    /// <summary>First of all. a: version 1; b: the domain, or 0xFFFFFFFF for the one that the server gives. → a: the domain.</summary>
    Hello = 0,
    /// <summary>a: to whom; b: pages; c: 1 read-only; with the memory. → a: the first reference.</summary>
    Grant = 1,
    /// <summary>a: the first reference; b: 1 revoke. → a: 0 ended, 1 still mapped, 2 put off.</summary>
    End = 2,
    /// <summary>a: from whom; b: the first reference; c: pages; d: 1 writable. → a: the mapping; b: the first page in the memory; with the memory.</summary>
    Map = 3,
    /// <summary>a: the mapping.</summary>
    Unmap = 4,
    /// <summary>a: for whom. → a: the port; with the own eventfd and the other's.</summary>
    AllocateUnbound = 5,
    /// <summary>a: the other domain; b: its port. → as <see cref="AllocateUnbound"/>.</summary>
    BindInterdomain = 6,
    /// <summary>a: the port.</summary>
    Close = 7,
    /// <summary>Said to a new server after the old one died, about what stands. As <see cref="Grant"/>; d: the first reference.</summary>
    DeclareGrant = 8,
    /// <summary>As <see cref="Map"/>; e: the mapping.</summary>
    DeclareMapping = 9,
    /// <summary>a: the port; b: the other domain; c: the port there, or 0 where this end was made unbound; with both eventfds.</summary>
    DeclarePort = 10,
    /// <summary>a: how many to leave out. → a: how many lines there are in all; then lines of text.</summary>
    List = 11,
    /// <summary>Said after the last declaration, or where there is none: everything that stands was said.</summary>
    Declared = 12,
}

/// <summary>A request or an answer: one packet of a sequenced-packet socket; an answer may have text behind it.</summary>
/// <param name="Code">The operation; in an answer 0, or why not: <see cref="GrantFault"/> + 1.</param>
/// <param name="A">The first number.</param>
/// <param name="B">The second number.</param>
/// <param name="C">The third number.</param>
/// <param name="D">The fourth number.</param>
/// <param name="E">The fifth number.</param>
/// <remarks><code>0: code | 4: a | 8: b | 12: c | 16: d | 20: e | 24: text...</code> Six little-endian 32-bit numbers.</remarks>
public readonly record struct GrantMessage(uint Code, uint A = 0, uint B = 0, uint C = 0, uint D = 0, uint E = 0) : IWire<GrantMessage>
{
    /// <summary>The version that <see cref="GrantOperation.Hello"/> says.</summary>
    public const uint Version = 1;
    /// <summary>In <see cref="GrantOperation.Hello"/>: whichever domain the server gives.</summary>
    public const uint AnyDomain = uint.MaxValue;
    /// <summary>The longest packet, in bytes.</summary>
    public const int MaxBytes = 16384;

    /// <inheritdoc/>
    public static int Size => 24;

    /// <summary>How many descriptors go with a request.</summary>
    public int RequestDescriptors => (GrantOperation)Code switch
    {
        GrantOperation.Grant or GrantOperation.DeclareGrant => 1,
        GrantOperation.DeclarePort => 2,
        _ => 0,
    };

    /// <summary>How many descriptors go with the answer to a request that went well.</summary>
    public int AnswerDescriptors => (GrantOperation)Code switch
    {
        GrantOperation.Map => 1,
        GrantOperation.AllocateUnbound or GrantOperation.BindInterdomain => 2,
        _ => 0,
    };

    /// <inheritdoc/>
    public static bool TryRead(ReadOnlySpan<byte> source, out GrantMessage value)
    {
        value = default;
        if (source.Length < Size) return false;
        value = new(At(source, 0), At(source, 4), At(source, 8), At(source, 12), At(source, 16), At(source, 20));
        return true;
    }

    /// <inheritdoc/>
    public void Write(Span<byte> destination)
    {
        ReadOnlySpan<uint> all = [Code, A, B, C, D, E];
        for (int at = 0; at < all.Length; at++) BinaryPrimitives.WriteUInt32LittleEndian(destination[(at * 4)..], all[at]);
    }

    /// <summary>Judges a request.</summary>
    public WireFault Check() => (GrantOperation)Code switch
    {
        > GrantOperation.Declared => WireFault.UnknownType,
        GrantOperation.Hello when A != Version => WireFault.UnknownVersion,
        GrantOperation.Grant or GrantOperation.DeclareGrant => Bits(B is 0 or > int.MaxValue, C),
        GrantOperation.End => Bits(false, B),
        GrantOperation.Map or GrantOperation.DeclareMapping => Bits(C is 0 or > int.MaxValue, D),
        _ => WireFault.None,
    };

    private static WireFault Bits(bool isOutOfRange, uint flag) => isOutOfRange ? WireFault.ValueOutOfRange : flag > 1 ? WireFault.ReservedBitsSet : WireFault.None;

    private static uint At(ReadOnlySpan<byte> source, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(source[offset..]);
}
