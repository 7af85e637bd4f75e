// SPDX-License-Identifier: MIT
using Tombolo.Wire;
using Xunit;

namespace Tombolo.Testing;

/// <summary>What every message struct keeps, whatever it says. Inherit it, give a sample, and add golden bytes and the type's own checks.</summary>
/// <typeparam name="T">The message struct.</typeparam>
public abstract class WireContract<T> where T : struct, IWire<T>
{
    private const int Guard = 16;
    private const byte GuardByte = 0xA5;

    /// <summary>A message that passes <see cref="IWire{TSelf}.Check"/>, with no field at its default where that can be.</summary>
    protected abstract T Sample { get; }

    [Fact]
    public void Write_ThenTryRead_GivesSameValue()
    {
        byte[] bytes = new byte[T.Size];
        Sample.Write(bytes);
        Assert.True(T.TryRead(bytes, out T back));
        Assert.Equal(Sample, back);
    }

    [Fact]
    public void TryRead_OneByteShort_ReturnsFalse() => Assert.False(T.TryRead(new byte[T.Size - 1], out _));

    [Fact]
    public void TryRead_MoreBytesThanSize_ReadsTheFirst()
    {
        byte[] bytes = new byte[T.Size + Guard];
        Array.Fill(bytes, GuardByte);
        Sample.Write(bytes);
        Assert.True(T.TryRead(bytes, out T back));
        Assert.Equal(Sample, back);
    }

    [Fact]
    public void Write_LongerDestination_TouchesOnlySizeBytes()
    {
        byte[] bytes = new byte[T.Size + Guard];
        Array.Fill(bytes, GuardByte);
        Sample.Write(bytes);
        Assert.All(bytes[T.Size..], value => Assert.Equal(GuardByte, value));
    }

    [Fact]
    public void Write_DirtyDestination_SetsEveryByte()
    {
        byte[] zeros = new byte[T.Size], ones = new byte[T.Size];
        Array.Fill(ones, byte.MaxValue);
        Sample.Write(zeros);
        Sample.Write(ones);
        Assert.Equal(zeros, ones);
    }

    [Fact]
    public void Check_Sample_FindsNoFault() => Assert.Equal(WireFault.None, Sample.Check());

    [Fact]
    public void TryReadAndCheck_AnyBytes_NeverThrow()
    {
        var random = new Random(Seed: 20260917);
        byte[] bytes = new byte[T.Size];
        for (int round = 0; round < 10_000; round++)
        {
            random.NextBytes(bytes);
            if (round % 4 == 0) Array.Clear(bytes, 0, random.Next(bytes.Length + 1));
            Assert.True(T.TryRead(bytes, out T value));
            _ = value.Check();
        }
    }
}
