// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Testing;
using Xunit;

namespace Tombolo.Linux.Tests;

/// <summary>One process at a time, and no trace of the dead. Source: flock(2).</summary>
public sealed class FileLockTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string LockPath => _folder["lock"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TryTake_Free_WritesOwnProcessIdAndDisposeRemovesTheFile()
    {
        using (FileLock? taken = FileLock.TryTake(LockPath, out int owner))
        {
            _ = taken.ShouldNotBeNull();
            owner.ShouldBe(Environment.ProcessId);
            Content().ShouldBe($"{Environment.ProcessId}\n");
        }
        File.Exists(LockPath).ShouldBeFalse();
    }

    [Fact]
    public void TryTake_HeldByAnotherProcess_GivesItsProcessId()
    {
        using Child child = Child.Of<FileLockTests>("lock", LockPath);
        child.ReadLine().ShouldBe("taken");
        FileLock.TryTake(LockPath, out int owner).ShouldBeNull();
        owner.ShouldBe(child.Id);
    }

    [Fact]
    public void OwnerOf_Lock_NamesTheHolderAndOnlyWhileItHolds()
    {
        FileLock.OwnerOf(LockPath).ShouldBe(0);
        using (Child child = Child.Of<FileLockTests>("lock", LockPath))
        {
            child.ReadLine().ShouldBe("taken");
            FileLock.OwnerOf(LockPath).ShouldBe(child.Id);
            child.Kill();
        }
        File.Exists(LockPath).ShouldBeTrue();
        FileLock.OwnerOf(LockPath).ShouldBe(0);
    }

    [Fact]
    public void TryTake_OwnerWasKilled_TakesItOver()
    {
        using (Child child = Child.Of<FileLockTests>("lock", LockPath))
        {
            child.ReadLine().ShouldBe("taken");
            child.Kill();
        }
        File.Exists(LockPath).ShouldBeTrue();
        using FileLock? taken = FileLock.TryTake(LockPath, out int owner);
        _ = taken.ShouldNotBeNull();
        owner.ShouldBe(Environment.ProcessId);
        Content().ShouldBe($"{Environment.ProcessId}\n");
    }

    [Fact]
    public void TryTake_LeftBehindWithALongerText_LeavesNoneOfIt()
    {
        File.WriteAllText(LockPath, "1234567890 and more\n");
        using FileLock? taken = FileLock.TryTake(LockPath, out _);
        Content().ShouldBe($"{Environment.ProcessId}\n");
    }

    [Theory]
    [InlineData("")]
    [InlineData("not a number\n")]
    [InlineData("-5\n")]
    [InlineData("99999999999999999999999999\n")]
    public void TryTake_HeldAndTextSaysNothing_OwnerIsZero(string text)
    {
        using FileLock? first = FileLock.TryTake(LockPath, out _);
        Rewrite(text);
        FileLock.TryTake(LockPath, out int owner).ShouldBeNull();
        owner.ShouldBe(0);
    }

    [Fact]
    public void TryTake_HeldByAChildWithoutTheLock_IsNotKeptByIt()
    {
        // The lock is close-on-exec: a child started while it is held does not hold it on.
        FileLock? taken = FileLock.TryTake(LockPath, out _);
        using var child = new Child("cat");
        taken!.Dispose();
        using FileLock? again = FileLock.TryTake(LockPath, out _);
        _ = again.ShouldNotBeNull();
    }

    [Fact]
    public void TryTake_FolderReachedThroughALink_IsTaken()
    {
        // /var/run is such a link, and pid files are there.
        _ = Directory.CreateDirectory(_folder["real"]);
        _ = Directory.CreateSymbolicLink(_folder["link"], _folder["real"]);
        Watchdog.Run(() =>
        {
            using FileLock? taken = FileLock.TryTake(_folder["link/lock"], out _);
            _ = taken.ShouldNotBeNull();
            FileLock.TryTake(_folder["real/lock"], out int owner).ShouldBeNull();
            owner.ShouldBe(Environment.ProcessId);
        });
    }

    [Fact]
    public void TryTake_OwnerRemovesTheFileBetweenOpenAndLock_DoesNotLockTheRemovedFile()
    {
        FileLock? first = FileLock.TryTake(LockPath, out _), third = null;
        using FileLock? second = FileLock.TryTake(LockPath, out int owner, opened: () =>
        {
            first?.Dispose();   // the file that was just opened is no longer at its path …
            first = null;
            third ??= FileLock.TryTake(LockPath, out _);   // … and somebody else made a new one and holds it
        });
        using (third)
        {
            second.ShouldBeNull();
            _ = third.ShouldNotBeNull();
            owner.ShouldBe(Environment.ProcessId);
        }
    }

    [Fact]
    public void Dispose_FolderIsGone_StillGivesTheLockBack() => FdCount.AssertUnchanged(() =>
    {
        string folder = _folder["short-lived"];
        _ = Directory.CreateDirectory(folder);
        FileLock? taken = FileLock.TryTake(Path.Combine(folder, "lock"), out _);
        Directory.Delete(folder, recursive: true);
        taken!.Dispose();
        taken.Dispose();
    });

    [Fact]
    public void FailingCalls_LoseNoDescriptor()
    {
        using FileLock? first = FileLock.TryTake(LockPath, out _);
        _ = File.CreateSymbolicLink(_folder["link"], LockPath);
        using (var child = new Child("mkfifo", _folder["fifo"])) child.WaitForExit().ShouldBe(0);
        FdCount.AssertUnchanged(() =>
        {
            FileLock.TryTake(LockPath, out _).ShouldBeNull();
            Should.Throw<LinuxException>(() => FileLock.TryTake(_folder["no/folder"], out _)).Errno.ShouldBe(Errno.NoEntry);
            _ = Should.Throw<LinuxException>(() => FileLock.TryTake(_folder["link"], out _));   // ELOOP: links are never followed
            Should.Throw<LinuxException>(() => FileLock.TryTake(_folder["fifo"], out _)).Errno.ShouldBe(Errno.Invalid);   // it can be locked, but not cut to length
        });
    }

    // Not File.ReadAllText and not WriteAllText: .NET takes a lock of its own on what it opens.
    private string Content()
    {
        using SafeFd fd = SharedFile.Open(LockPath, readOnly: true);
        byte[] bytes = new byte[64];
        int count = Pipe.Read(fd, bytes).Bytes;
        return System.Text.Encoding.ASCII.GetString(bytes, 0, count);
    }

    private void Rewrite(string text)
    {
        using SafeFd fd = SharedFile.Open(LockPath, sizeBytes: 0);
        byte[] bytes = System.Text.Encoding.ASCII.GetBytes(text);
        if (bytes.Length > 0) Pipe.Write(fd, bytes).Bytes.ShouldBe(bytes.Length);
    }
}
