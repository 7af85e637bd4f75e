// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Reflection;
using Shouldly;
using Tombolo.Testing;
using Xunit;

namespace Tombolo.Wire.Tests;

/// <summary>The contract that every message struct inherits must itself notice each way to break it.</summary>
public sealed class WireContractTests
{
    [Fact]
    public void Contract_HonestStruct_HoldsInEveryPart() => Failures(new HonestContract()).ShouldBeEmpty();

    [Fact]
    public void Contract_ReadsTooShortInput_Fails() =>
        Failures(new Contract<ReadsShort>(new(7))).ShouldBe([nameof(WireContract<>.TryRead_OneByteShort_ReturnsFalse)]);

    [Fact]
    public void Contract_WritesBeyondItsSize_Fails() =>
        Failures(new Contract<WritesTooMuch>(new(7))).ShouldContain(nameof(WireContract<>.Write_LongerDestination_TouchesOnlySizeBytes));

    [Fact]
    public void Contract_LeavesBytesAsTheyWere_Fails() =>
        Failures(new Contract<LeavesPadding>(new(7))).ShouldBe([nameof(WireContract<>.Write_DirtyDestination_SetsEveryByte)]);

    [Fact]
    public void Contract_OtherByteOrderWhenReading_Fails() =>
        Failures(new Contract<MixesOrders>(new(7))).ShouldContain(nameof(WireContract<>.Write_ThenTryRead_GivesSameValue));

    [Fact]
    public void Contract_ThrowsOnSomeBytes_Fails() =>
        Failures(new Contract<Throws>(new(7))).ShouldBe([nameof(WireContract<>.TryReadAndCheck_AnyBytes_NeverThrow)]);

    [Fact]
    public void Contract_SampleIsFaulty_Fails() =>
        Failures(new Contract<Throws>(new(0))).ShouldContain(nameof(WireContract<>.Check_Sample_FindsNoFault));

    private static string[] Failures<T>(WireContract<T> contract) where T : struct, IWire<T> =>
        [.. typeof(WireContract<T>).GetMethods().Where(method => method.GetCustomAttribute<FactAttribute>() is not null).Where(method => IsThrowing(method, contract)).Select(method => method.Name)];

    private static bool IsThrowing(MethodInfo method, object contract)
    {
        try { _ = method.Invoke(contract, null); }
        catch (TargetInvocationException) { return true; }
        return false;
    }

    private sealed class Contract<T>(T sample) : WireContract<T> where T : struct, IWire<T>
    {
        protected override T Sample => sample;
    }

    public sealed class HonestContract : WireContract<Honest>
    {
        protected override Honest Sample => new(0x01020304);
    }

    public readonly record struct Honest(uint Value) : IWire<Honest>
    {
        public static int Size => 4;

        public static bool TryRead(ReadOnlySpan<byte> source, out Honest value)
        {
            bool enough = BinaryPrimitives.TryReadUInt32LittleEndian(source, out uint number);
            value = new(number);
            return enough;
        }

        public void Write(Span<byte> destination) => BinaryPrimitives.WriteUInt32LittleEndian(destination, Value);

        public WireFault Check() => WireFault.None;
    }

    public readonly record struct ReadsShort(byte Value) : IWire<ReadsShort>
    {
        public static int Size => 2;

        public static bool TryRead(ReadOnlySpan<byte> source, out ReadsShort value)
        {
            value = new(source[0]);
            return true;
        }

        public void Write(Span<byte> destination) => (destination[0], destination[1]) = (Value, 0);

        public WireFault Check() => WireFault.None;
    }

    public readonly record struct WritesTooMuch(byte Value) : IWire<WritesTooMuch>
    {
        public static int Size => 1;

        public static bool TryRead(ReadOnlySpan<byte> source, out WritesTooMuch value)
        {
            value = source.IsEmpty ? default : new(source[0]);
            return !source.IsEmpty;
        }

        public void Write(Span<byte> destination) => destination.Fill(Value);

        public WireFault Check() => WireFault.None;
    }

    public readonly record struct LeavesPadding(byte Value) : IWire<LeavesPadding>
    {
        public static int Size => 2;

        public static bool TryRead(ReadOnlySpan<byte> source, out LeavesPadding value)
        {
            value = source.Length < Size ? default : new(source[0]);
            return source.Length >= Size;
        }

        public void Write(Span<byte> destination) => destination[0] = Value;

        public WireFault Check() => WireFault.None;
    }

    public readonly record struct MixesOrders(uint Value) : IWire<MixesOrders>
    {
        public static int Size => 4;

        public static bool TryRead(ReadOnlySpan<byte> source, out MixesOrders value)
        {
            bool enough = BinaryPrimitives.TryReadUInt32BigEndian(source, out uint number);
            value = new(number);
            return enough;
        }

        public void Write(Span<byte> destination) => BinaryPrimitives.WriteUInt32LittleEndian(destination, Value);

        public WireFault Check() => WireFault.None;
    }

    public readonly record struct Throws(byte Value) : IWire<Throws>
    {
        public static int Size => 1;

        public static bool TryRead(ReadOnlySpan<byte> source, out Throws value)
        {
            value = source.IsEmpty ? default : new(source[0]);
            return !source.IsEmpty;
        }

        public void Write(Span<byte> destination) => destination[0] = Value;

        public WireFault Check() => Value switch
        {
            0 => WireFault.ValueOutOfRange,
            > 200 => throw new InvalidOperationException("A check must not throw."),
            _ => WireFault.None,
        };
    }
}
