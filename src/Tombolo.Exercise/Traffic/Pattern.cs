// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Tombolo.Exercise;

/// <summary>What a message of the exerciser is for.</summary>
internal enum PatternKind : byte
{
    /// <summary>To be checked and forgotten.</summary>
    OneWay = 1,
    /// <summary>To be checked and sent back.</summary>
    Question = 2,
    /// <summary>A question that came back.</summary>
    Echo = 3,
    /// <summary>The stream is over; the sequence number is how many there were.</summary>
    End = 4,
}

/// <summary>A message of the exerciser: a header, and bytes that follow from the header alone, so that every byte can be checked by whoever gets it.</summary>
/// <remarks>
/// Little-endian. The filler is SplitMix64 over stream and sequence; the kind does not enter, so an echo differs from its question in one byte.
/// <code>0: 0xB1 | 1: kind | 2: length, 32 bits | 6: stream, 32 bits | 10: sequence, 32 bits | 14: filler, at least 2 bytes</code>
/// </remarks>
/// <param name="Kind">What it is for.</param>
/// <param name="Stream">Names one sender's run towards one target.</param>
/// <param name="Sequence">Counts from 0 within the stream.</param>
/// <param name="Length">Bytes of the whole message.</param>
internal readonly record struct Pattern(PatternKind Kind, uint Stream, uint Sequence, int Length)
{
    /// <summary>The shortest message: a header and 2 bytes of filler.</summary>
    public const int MinBytes = HeaderBytes + 2;

    private const int HeaderBytes = 14;
    private const byte Mark = 0xB1;   // no text of the fabric begins like this

    /// <summary>Writes the whole message.</summary>
    /// <param name="destination">Exactly <see cref="Length"/> bytes.</param>
    public void Write(Span<byte> destination)
    {
        destination[0] = Mark;
        destination[1] = (byte)Kind;
        BinaryPrimitives.WriteInt32LittleEndian(destination[2..], Length);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[6..], Stream);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[10..], Sequence);
        Fill(destination[HeaderBytes..Length], Stream, Sequence);
    }

    /// <summary>Reads a message and checks every byte of it.</summary>
    /// <param name="message">What came.</param>
    /// <param name="pattern">What it says it is.</param>
    /// <param name="isIntact">Whether all of it is as it was written.</param>
    /// <returns>False where it is none of the exerciser's.</returns>
    public static bool TryRead(ReadOnlySpan<byte> message, out Pattern pattern, out bool isIntact)
    {
        (pattern, isIntact) = (default, false);
        if (message.Length < MinBytes || message[0] != Mark) return false;
        pattern = new((PatternKind)message[1], BinaryPrimitives.ReadUInt32LittleEndian(message[6..]), BinaryPrimitives.ReadUInt32LittleEndian(message[10..]), BinaryPrimitives.ReadInt32LittleEndian(message[2..]));
        isIntact = pattern.Kind is >= PatternKind.OneWay and <= PatternKind.End && pattern.Length == message.Length && IsFilled(message[HeaderBytes..], pattern.Stream, pattern.Sequence);
        return true;
    }

    /// <summary>Makes an echo of a question, in place.</summary>
    public static void TurnIntoEcho(Span<byte> message) => message[1] = (byte)PatternKind.Echo;

    private static void Fill(Span<byte> bytes, uint stream, uint sequence)
    {
        ulong state = Start(stream, sequence);
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        for (int i = 0; i < words.Length; i++) words[i] = Next(ref state);
        ulong last = Next(ref state);
        for (int i = words.Length * sizeof(ulong); i < bytes.Length; i++, last >>= 8) bytes[i] = (byte)last;
    }

    private static bool IsFilled(ReadOnlySpan<byte> bytes, uint stream, uint sequence)
    {
        ulong state = Start(stream, sequence);
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        bool isEqual = true;
        for (int i = 0; i < words.Length; i++) isEqual &= words[i] == Next(ref state);
        ulong last = Next(ref state);
        for (int i = words.Length * sizeof(ulong); i < bytes.Length; i++, last >>= 8) isEqual &= bytes[i] == (byte)last;
        return isEqual;
    }

    private static ulong Start(uint stream, uint sequence) => ((ulong)stream << 32) | sequence;

    // SplitMix64 (Steele, Lea, Flood 2014).
    private static ulong Next(ref ulong state)
    {
        ulong z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
