// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Testing;
using Xunit;

namespace Tombolo.Linux.Tests;

/// <summary>Shared memory with a name. Source: open(2), shm_overview(7), statx(2).</summary>
public sealed class SharedFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string FilePath => _folder["f"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Open_NewThenAgain_SharesBytes()
    {
        using SafeFd one = SharedFile.Open(FilePath, 4096, create: true), two = SharedFile.Open(FilePath);
        SharedFile.SizeOf(two).ShouldBe(4096);
        Descriptor.IsCloseOnExec(one).ShouldBeTrue();
        _ = Pipe.Write(one, "seen"u8);
        byte[] bytes = new byte[4];
        _ = Pipe.Read(two, bytes);
        bytes.ShouldBe("seen"u8.ToArray());
        File.GetUnixFileMode(FilePath).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Fact]
    public void PosixObject_IsAFileInDevShm()
    {
        string path = SharedFile.PosixPath($"/tombolo-test-{Environment.ProcessId}");
        path.ShouldBe($"/dev/shm/tombolo-test-{Environment.ProcessId}");
        using (SharedFile.Open(path, 8192, create: true, mustBeNew: true))
            new FileInfo(path).Length.ShouldBe(8192);
        File.Delete(path);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData(".")]
    [InlineData("/..")]
    [InlineData("a/b")]
    [InlineData("//a")]
    [InlineData("a\0b")]
    public void PosixPath_NoName_IsRefused(string name) => Should.Throw<ArgumentException>(() => SharedFile.PosixPath(name));

    [Fact]
    public void PosixPath_LongestInBytesNotLetters()
    {
        _ = SharedFile.PosixPath(new string('x', 255));
        _ = Should.Throw<ArgumentException>(() => SharedFile.PosixPath(new string('x', 256)));
        _ = Should.Throw<ArgumentException>(() => SharedFile.PosixPath(new string('é', 128)));
    }

    [Fact]
    public void Open_LinkAsLastPart_IsNeverFollowed()
    {
        File.WriteAllText(FilePath, "precious");
        _ = File.CreateSymbolicLink(_folder["link"], FilePath);
        Should.Throw<LinuxException>(() => SharedFile.Open(_folder["link"], 0, create: true)).Errno.ShouldBe(40 /* ELOOP */);
        File.ReadAllText(FilePath).ShouldBe("precious");
    }

    [Fact]
    public void IdentityOf_SameFileByTwoNamesAndByDescriptor_IsTheSame()
    {
        using SafeFd fd = SharedFile.Open(FilePath, create: true);
        File.WriteAllText(_folder["other"], "");
        (ulong, ulong)? identity = SharedFile.IdentityOf(FilePath);
        _ = identity.ShouldNotBeNull();
        SharedFile.IdentityOf(fd).ShouldBe(identity);
        SharedFile.IdentityOf(_folder["other"]).ShouldNotBe(identity);
        SharedFile.IdentityOf(_folder["none"]).ShouldBeNull();
        File.Delete(FilePath);
        SharedFile.IdentityOf($"/proc/self/fd/{fd.Number}").ShouldBe(identity);
    }

    [Fact]
    public void TryLock_SecondOpenFile_IsRefusedAndADuplicateIsNot()
    {
        using SafeFd one = SharedFile.Open(FilePath, create: true), two = SharedFile.Open(FilePath), duplicate = one.Duplicate();
        SharedFile.TryLock(one).ShouldBeTrue();
        SharedFile.TryLock(two).ShouldBeFalse();
        SharedFile.TryLock(duplicate).ShouldBeTrue();
        one.Dispose();
        SharedFile.TryLock(two).ShouldBeFalse();   // the duplicate keeps it
        duplicate.Dispose();
        SharedFile.TryLock(two).ShouldBeTrue();
    }

    [Fact]
    public void SizeOf_WhatHasNone_IsZero()
    {
        using SafeFd doorbell = EventFd.Create();
        SharedFile.SizeOf(doorbell).ShouldBe(0);
    }

    [Fact]
    public void Open_ImpossibleWishes_AreTheCallersBug()
    {
        _ = Should.Throw<ArgumentException>(() => SharedFile.Open(FilePath, mustBeNew: true));
        _ = Should.Throw<ArgumentException>(() => SharedFile.Open(FilePath, create: true, readOnly: true));
        _ = Should.Throw<ArgumentException>(() => SharedFile.Open(FilePath, 4096, readOnly: true));
        File.Exists(FilePath).ShouldBeFalse();
    }

    [Fact]
    public void FailingCalls_LeaveNoFileAndLoseNoDescriptor()
    {
        File.WriteAllText(_folder["there"], "");
        FdCount.AssertUnchanged(() =>
        {
            Should.Throw<LinuxException>(() => SharedFile.Open(FilePath)).Errno.ShouldBe(Errno.NoEntry);
            Should.Throw<LinuxException>(() => SharedFile.Open(_folder["there"], create: true, mustBeNew: true)).Errno.ShouldBe(Errno.Exists);
            Should.Throw<LinuxException>(() => SharedFile.Open(FilePath, -1, create: true, mustBeNew: true)).Errno.ShouldBe(Errno.Invalid);
            File.Exists(FilePath).ShouldBeFalse();
        });
    }

    [Fact]
    public void ReopenReadOnly_OfAMemfd_CanBeMappedForReadingOnly()
    {
        using SafeFd memory = Memfd.Create("reopen", 4096);
        using SafeFd readOnly = SharedFile.ReopenReadOnly(memory);
        MemoryMapping.Map(readOnly, 4096, writable: false).Dispose();
        Should.Throw<LinuxException>(() => MemoryMapping.Map(readOnly, 4096)).Errno.ShouldBe(Errno.AccessDenied);
        SharedFile.IdentityOf($"/proc/self/fd/{readOnly.Number}").ShouldBe(SharedFile.IdentityOf($"/proc/self/fd/{memory.Number}"));
    }

    [Fact]
    public void SetMode_OfAMemfd_DecidesWhoMayOpenItAgain()
    {
        using SafeFd memory = Memfd.Create("mode", 4096);
        File.GetUnixFileMode($"/proc/self/fd/{memory.Number}").HasFlag(UnixFileMode.OtherWrite).ShouldBeTrue("a memfd is born open to all");
        SharedFile.SetMode(memory, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.GetUnixFileMode($"/proc/self/fd/{memory.Number}").ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
