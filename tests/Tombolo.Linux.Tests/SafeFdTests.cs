// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Testing;
using Xunit;

namespace Tombolo.Linux.Tests;

public sealed class SafeFdTests
{
    [Fact]
    public void Dispose_Twice_ClosesOnce()
    {
        SafeFd first = EventFd.Create();
        int number = first.Number;
        first.Dispose();
        using SafeFd second = EventFd.Create();
        second.Number.ShouldBe(number);   // the kernel gives the lowest free number
        first.Dispose();
        EventFd.Signal(second).ShouldBeTrue();
    }

    [Fact]
    public void Duplicate_IsTheSameOpenFileAndCloseOnExec()
    {
        using SafeFd one = EventFd.Create(), two = one.Duplicate();
        Descriptor.IsCloseOnExec(two).ShouldBeTrue();
        two.Number.ShouldNotBe(one.Number);
        _ = EventFd.Signal(one);
        EventFd.TryRead(two, out _).ShouldBeTrue();
    }

    [Fact]
    public void UseAfterDispose_IsTheCallersBug()
    {
        SafeFd fd = EventFd.Create();
        fd.Dispose();
        _ = Should.Throw<ObjectDisposedException>(() => EventFd.Signal(fd));
        _ = Should.Throw<ObjectDisposedException>(fd.Duplicate);
    }

    [Fact]
    public void NegativeNumber_IsInvalidAndNothingIsClosed() => FdCount.AssertUnchanged(() =>
    {
        using var none = new SafeFd(-1);
        none.IsInvalid.ShouldBeTrue();
    });

    [Fact]
    public void CountOpenFiles_SeesOneMore()
    {
        int before = ResourceLimit.CountOpenFiles();
        using SafeFd fd = EventFd.Create();
        ResourceLimit.CountOpenFiles().ShouldBe(before + 1);
    }

    [Fact]
    public void RaiseOpenFiles_GivesTheHardLimit()
    {
        string line = File.ReadLines("/proc/self/limits").Single(text => text.StartsWith("Max open files", StringComparison.Ordinal));
        ResourceLimit.RaiseOpenFiles().ToString(System.Globalization.CultureInfo.InvariantCulture).ShouldBe(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[4]);
        string after = File.ReadLines("/proc/self/limits").Single(text => text.StartsWith("Max open files", StringComparison.Ordinal));
        string[] fields = after.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        fields[3].ShouldBe(fields[4]);
    }

    [Fact]
    public void LinuxException_SaysCallSubjectReasonAndNumber()
    {
        var exception = new LinuxException("bind", "/run/x", Errno.AddressInUse);
        exception.Message.ShouldBe("bind /run/x: Address already in use (98).");
        exception.IsTransient.ShouldBeFalse();
        new LinuxException("read", "x", Errno.WouldBlock).IsTransient.ShouldBeTrue();
    }
}
