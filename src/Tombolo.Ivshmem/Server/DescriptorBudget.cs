// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Ivshmem;

/// <summary>How many descriptors a configuration needs, against how many there may be.</summary>
internal static class DescriptorBudget
{
    private const int Default = 4096;
    private const int Reserve = 160;   // runtime, log, listener, epoll, ledger, pipe, keeper, what is already open: measured at under 100

    /// <summary>Settles how many clients there can be.</summary>
    /// <param name="options">The configuration; its problems were looked for before.</param>
    /// <param name="limit">How many descriptors the process may have.</param>
    /// <returns>The number of clients.</returns>
    /// <exception cref="IvshmemException">The configuration cannot fit.</exception>
    public static int SettlePeers(DoorbellServerOptions options, long limit)
    {
        long resident = options.ResidentId is { } own ? options.VectorsFor(own) : 0;
        long most = Math.Max(options.Vectors, options.VectorsOf.Count == 0 ? 0 : options.VectorsOf.Values.Max());
        long room = limit - Reserve - resident;
        long fits = room / (1 + most);
        if (options.MaxPeers == 0 && fits >= 1) return (int)Math.Min(fits, Math.Min(Default, IvshmemMessage.MaxId + 1 - options.FirstId));
        long needed = Reserve + resident + (options.MaxPeers * (1 + (long)options.Vectors)) + options.VectorsOf.Values.Sum(count => Math.Max(0L, count - options.Vectors));
        return options.MaxPeers > 0 && needed <= limit
            ? options.MaxPeers
            : throw new IvshmemException(
                $"{Math.Max(1, options.MaxPeers)} clients with {most} vectors need {needed} descriptors, and this process may have {limit} (room for {Math.Max(0, fits)} clients); raise the limit (ulimit -n, or LimitNOFILE in a unit), or ask for fewer clients or vectors.");
    }

    /// <summary>Raises the soft limit as far as it goes and says what it is.</summary>
    public static long Limit() => ResourceLimit.RaiseOpenFiles();
}
