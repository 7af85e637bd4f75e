// SPDX-License-Identifier: MIT
namespace Tombolo.Exercise.Tests;

public sealed class PatternTests
{
    public static TheoryData<int> Lengths => [16, 17, 21, 22, 23, 64, 383, 4096];

    [Theory]
    [MemberData(nameof(Lengths))]
    public void TryRead_WhatWasWritten_IsIntact(int length)
    {
        var pattern = new Pattern(PatternKind.Question, 0xDEADBEEF, 7, length);
        Pattern.TryRead(Written(pattern), out Pattern back, out bool isIntact).ShouldBeTrue();
        back.ShouldBe(pattern);
        isIntact.ShouldBeTrue();
    }

    /// <summary>Whatever byte is changed to whatever, it shows.</summary>
    [Theory]
    [MemberData(nameof(Lengths))]
    public void TryRead_AnyByteChanged_IsNoticed(int length)
    {
        var pattern = new Pattern(PatternKind.OneWay, 12345, 678, length);
        byte[] written = Written(pattern);
        for (int at = 0; at < length; at++)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                byte[] changed = [.. written];
                changed[at] ^= (byte)(1 << bit);
                // The mark gone, it is somebody else's message; the kind changed to another valid one, it is that kind.
                bool isNoticed = !Pattern.TryRead(changed, out Pattern back, out bool isIntact) || !isIntact || back.Kind != pattern.Kind;
                isNoticed.ShouldBeTrue($"byte {at}, bit {bit}");
            }
        }
    }

    [Fact]
    public void TryRead_CutOrLengthened_IsNotIntact()
    {
        byte[] written = Written(new(PatternKind.OneWay, 1, 2, 64));
        Pattern.TryRead(written.AsSpan(0, 63), out _, out bool isIntact).ShouldBeTrue();
        isIntact.ShouldBeFalse();
        Pattern.TryRead([.. written, 0], out _, out isIntact).ShouldBeTrue();
        isIntact.ShouldBeFalse();
        Pattern.TryRead(written.AsSpan(0, 15), out _, out _).ShouldBeFalse();
        Pattern.TryRead("ping, and some more text"u8, out _, out _).ShouldBeFalse();
    }

    [Fact]
    public void TurnIntoEcho_Question_StaysIntact()
    {
        byte[] message = Written(new(PatternKind.Question, 1, 2, 64));
        Pattern.TurnIntoEcho(message);
        Pattern.TryRead(message, out Pattern back, out bool isIntact).ShouldBeTrue();
        (back, isIntact).ShouldBe((new Pattern(PatternKind.Echo, 1, 2, 64), true));
    }

    [Fact]
    public void Write_NeighbouringNumbers_ShareNoFiller()
    {
        byte[] one = Written(new(PatternKind.OneWay, 1, 2, 383)), two = Written(new(PatternKind.OneWay, 1, 3, 383));
        Enumerable.Range(14, 383 - 14).Count(i => one[i] == two[i]).ShouldBeLessThan(20);
    }

    private static byte[] Written(Pattern pattern)
    {
        byte[] bytes = new byte[pattern.Length];
        pattern.Write(bytes);
        return bytes;
    }
}
