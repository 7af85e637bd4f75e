// SPDX-License-Identifier: MIT
using System.Reflection;
using System.Runtime.InteropServices;
using Tombolo.Linux;
using Xunit;

namespace Tombolo.Testing;

/// <summary>Lets one thread act as another user, without any of root's rights.</summary>
/// <remarks>
/// The kernel keeps credentials for each thread; only the C library spreads a change to all of them. The bare system call changes the calling thread alone.
/// Source: setresuid(2), "C library/kernel differences".
/// </remarks>
public static partial class OtherUser
{
    /// <summary>A user id that nobody has.</summary>
    public const uint Id = 54321;

    /// <summary>Runs something on a thread of its own that belongs to the other user where this process is root, and to whoever it is otherwise.</summary>
    /// <returns>The user id that it ran as.</returns>
    public static uint Run(Action action)
    {
        uint user = LinuxProcess.EffectiveUserId == 0 ? Id : LinuxProcess.EffectiveUserId;
        LoadAllOf(action.Method.Module.Assembly, []);
        Watchdog.Run(() =>
        {
            if (user == Id)
            {
                // Groups first: without root's rights they can no longer be changed.
                Assert.Equal(0, syscall(SetGroups, 0, 0, 0));
                Assert.Equal(0, syscall(SetGroupIds, (nint)Id, (nint)Id, (nint)Id));
                Assert.Equal(0, syscall(SetUserIds, (nint)Id, (nint)Id, (nint)Id));
            }
            action();   // the thread ends afterwards, and its credentials with it
        });
        return user;
    }

    /// <summary>The other user may not be able to read the folder we run from (below /root, say), and a load that failed once fails for the whole process.</summary>
    private static void LoadAllOf(Assembly assembly, HashSet<string> seen)
    {
        foreach (AssemblyName name in assembly.GetReferencedAssemblies())
            if (seen.Add(name.FullName) && File.Exists(Path.Combine(AppContext.BaseDirectory, name.Name + ".dll")))
                LoadAllOf(Assembly.Load(name), seen);
    }

    private static bool IsX64 => RuntimeInformation.ProcessArchitecture == Architecture.X64;
    private static nint SetUserIds => IsX64 ? 117 : 147;    // setresuid: asm/unistd_64.h, asm-generic/unistd.h
    private static nint SetGroupIds => IsX64 ? 119 : 149;   // setresgid
    private static nint SetGroups => IsX64 ? 116 : 159;     // setgroups

    [LibraryImport("libc", SetLastError = true)] private static partial nint syscall(nint number, nint first, nint second, nint third);
}
