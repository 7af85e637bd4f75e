// SPDX-License-Identifier: MIT
using System.Buffers.Binary;

namespace Tombolo.Fuzz;

/// <summary>Changes inputs. The same seed gives the same changes.</summary>
/// <param name="seed">What all choices follow from.</param>
/// <param name="words">Words of the format.</param>
internal sealed class Mutator(int seed, IReadOnlyList<byte[]> words)
{
    /// <summary>Longer inputs find little and cost much.</summary>
    public const int MaxBytes = 4096;

    private static readonly long[] _edges = [0, 1, -1, 2, 7, 8, 31, 32, 127, 128, 255, 256, 4095, 4096, 32767, 32768, 65535, 65536, int.MaxValue, int.MinValue, uint.MaxValue, long.MaxValue, long.MinValue];
    private readonly Random _random = new(seed);

    /// <summary>Makes a new input out of those that there are.</summary>
    public byte[] Next(IReadOnlyList<byte[]> corpus)
    {
        var bytes = new List<byte>(corpus[_random.Next(corpus.Count)]);
        for (int changes = 1 << _random.Next(5); changes > 0; changes--) Change(bytes, corpus);
        if (bytes.Count > MaxBytes) bytes.RemoveRange(MaxBytes, bytes.Count - MaxBytes);
        return [.. bytes];
    }

    private void Change(List<byte> bytes, IReadOnlyList<byte[]> corpus)
    {
        switch (_random.Next(bytes.Count == 0 ? 3 : 10))
        {
            case 0: Insert(bytes, RandomBytes(_random.Next(1, 17))); break;
            case 1: Insert(bytes, Edge()); break;
            case 2: Insert(bytes, words.Count > 0 ? words[_random.Next(words.Count)] : RandomBytes(1)); break;
            case 3: bytes[At(bytes)] ^= (byte)(1 << _random.Next(8)); break;
            case 4: bytes[At(bytes)] = (byte)_random.Next(256); break;
            case 5: Overwrite(bytes, Edge()); break;
            case 6: Remove(bytes); break;
            case 7: Insert(bytes, Part(bytes)); break;
            case 8: Insert(bytes, Part(corpus[_random.Next(corpus.Count)])); break;
            default: bytes[At(bytes)] += (byte)(_random.Next(2) == 0 ? 1 : -1); break;
        }
    }

    private int At(List<byte> bytes) => _random.Next(bytes.Count);

    private byte[] RandomBytes(int count)
    {
        byte[] bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }

    private byte[] Edge()
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, _edges[_random.Next(_edges.Length)] + _random.Next(-1, 2));
        return bytes[..(1 << _random.Next(4))];
    }

    private ReadOnlySpan<byte> Part(IReadOnlyList<byte> of)
    {
        if (of.Count == 0) return [];
        int start = _random.Next(of.Count), count = _random.Next(1, Math.Min(64, of.Count - start) + 1);
        return of.Skip(start).Take(count).ToArray();
    }

    private void Insert(List<byte> bytes, ReadOnlySpan<byte> part) => bytes.InsertRange(_random.Next(bytes.Count + 1), part);

    private void Overwrite(List<byte> bytes, byte[] part)
    {
        int at = At(bytes);
        for (int i = 0; i < part.Length && at + i < bytes.Count; i++) bytes[at + i] = part[i];
    }

    private void Remove(List<byte> bytes)
    {
        int at = At(bytes);
        bytes.RemoveRange(at, _random.Next(1, Math.Min(32, bytes.Count - at) + 1));
    }
}
